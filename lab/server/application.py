"""The server process, put together: MiniStack, what it lacks, and the recording of every call; `run` lists the steps.

What is added to MiniStack is one list, in `extensions`. `lab.server.__main__` limits what can be imported before this
module, and with it MiniStack, is imported; the process is confined after everything is installed and opened, and before
it serves.
"""

import asyncio
import gc
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from lab.clock import Clock, Shift
from lab.cloudformation.api import Api
from lab.cloudtrail import trails
from lab.cloudtrail.event_history import EventHistory, shown_at
from lab.confinement import process
from lab.delivery.bucket_writer import BucketWriter, Written
from lab.delivery.engine import Engine
from lab.delivery.journal import Journal
from lab.delivery.room import Room
from lab.handshake import INSTANCE_CREDENTIALS, STATUS
from lab.ministack import cloudformation, sts
from lab.ministack.state_journal import StateJournal
from lab.protocol.response import Response
from lab.records.record import RecordedCall
from lab.records.recorder import Recorder
from lab.records.samples import Samples
from lab.records.service_calls import bucket_acl_record, calls_for_caller, cloudtrail_key_use, secrets_read
from lab.server import extensions
from lab.server.gateway import Gateway
from lab.server.key_uses import KeyUses, secrets_of_batch
from lab.server.pages import OwnPages, Page, page_of_sign_in, pages_about_time, pages_of_samples
from lab.server.persistence import Lifespan, SavedState
from lab.services import eventbridge, instance_roles, last_use, sessions
from lab.services.authorizing import Authorizer
from lab.settings import Settings

_KEEP_ALIVE_SECONDS = 75.0
# The service models are very many objects that never become garbage; walking them often takes a tenth of a call's time.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000

_HISTORY_BEGINS = (
    "The lab was started again after its process had ended: its event history (lookup-events) begins at "
    "{:%Y-%m-%dT%H:%M:%SZ}. What happened before is in the log files of its trails."
)
_NOT_WRITTEN = "The lab cannot write to its disk, and tries again: {}"


@dataclass(slots=True)
class _Lab:
    """What the lab knows about itself, and holds. `not_written` says why what changed was not saved, or not delivered,
    when that was tried last; '' when it was.
    """

    instance: str
    clock: Clock
    engine: Engine
    writer: BucketWriter
    journal: StateJournal
    saved: SavedState
    room: Room
    history: EventHistory
    samples: Samples = field(default_factory=Samples)
    warnings: dict[str, None] = field(default_factory=dict)
    not_written: str = ""

    def warn(self, warning: str) -> None:
        """Keeps a warning, once."""
        self.warnings.setdefault(warning)

    def save_and_deliver(self) -> None:
        """Saves what has changed and delivers what is due; what a full disk does not take now is tried again."""
        try:
            self.saved.save_around(self.engine.tick)
        except (OSError, sqlite3.OperationalError) as error:
            self.not_written = _NOT_WRITTEN.format(error)
        else:
            self.not_written = ""

    def save(self) -> None:
        """Saves what has changed, if the disk takes it."""
        with suppress(OSError):
            self.saved.save_if_changed()

    def begin(self) -> None:
        """Goes on where the process before this one ended, when the services have read what they held."""
        self.journal.begin()
        self.engine.resume()

    async def status(self, _fields: Mapping[str, str]) -> dict[str, Any]:
        """The answer to who this is and what it holds."""
        counts = self.history.counts()
        return {
            "instance": self.instance,
            "now": self.clock.now().isoformat(timespec="seconds"),
            "behind_seconds": self.clock.behind_seconds,
            "pid": os.getpid(),
            "events": counts.events,
            "dropped": counts.dropped,
            "undecoded": counts.undecoded,
            "warnings": [*filter(None, (self.room.shortage(), self.not_written)), *self.warnings],
            "stacks": cloudformation.stacks(),
        }


def run(listening_fd: int, instance: str, home: Path, settings: Settings, secret: str) -> None:
    """Serves the lab on an inherited listening socket until SIGTERM.

    :param instance: the id that the status page answers with.
    :param home: the lab's folder.
    :param secret: the lab's own (`lab.handshake`).
    """
    lab = _opened(home / "data", instance, settings)
    recorder, repeating = _recorders(lab)
    lab.writer.after_each = partial(_record_delivery, recorder)
    authorizer = Authorizer(lab.clock.now)
    api = Api(
        recorder,
        lab.room.for_call,
        authorizer.refused_to_stack,
        authorizer.caller_of_stack,
        authorizer.require_all_of,
    )
    extended = extensions.install(
        extensions.Parts(lab.clock, lab.engine, lab.journal, lab.history, api, authorizer, lab.warn)
    )
    process.confine(home, lab.warn)
    pages: dict[str, Page] = {
        f"GET {STATUS}": lab.status,
        f"POST {INSTANCE_CREDENTIALS}": _instance_credentials(api),
        **pages_about_time(lab.engine, lab.clock),
        **page_of_sign_in(recorder.take, lab.clock),
        **pages_of_samples(lab.samples, repeating.take, lab.engine, lab.clock, lab.room),
    }
    application = Gateway(
        Lifespan(extended, lab.begin, lab.save),
        recorder,
        lab.clock.lab_time,
        OwnPages(pages, secret, lab.instance),
        room=lab.room,
        authorize=authorizer.refused,
        secret=secret,
    )
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    asyncio.run(_serve(application, _http_config(listening_fd), lab, settings))


def _opened(folder: Path, instance: str, settings: Settings) -> _Lab:
    """Opens the journal of deliveries in a folder, which is made when it is missing, and goes on with its clock."""
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder / "delivery.sqlite")
    shifts = journal.notes.shifts()
    is_resumed = bool(shifts)
    if not is_resumed:
        shifts = (Shift(time.time(), settings.behind_seconds),)
        journal.notes.set_shifts(shifts)
    clock = Clock(shifts)
    writer = BucketWriter(clock)
    engine = Engine(journal, clock, settings, trails.trails, writer)
    room = Room(folder, engine.reserve, engine.release, engine.logging_trails)
    history = EventHistory(shown=lambda: shown_at(clock.now().timestamp(), settings.history_seconds))
    states = StateJournal()
    saved = SavedState(states, sts.save_sessions, sts.has_new_sessions, cloudformation.is_deploying)
    lab = _Lab(instance, clock, engine, writer, states, saved, room, history)
    if is_resumed:
        lab.warn(_HISTORY_BEGINS.format(clock.now()))
    return lab


def _recorders(lab: _Lab) -> tuple[Recorder, Recorder]:
    """Every record goes to delivery and EventBridge, to what remembers the last use of keys and sessions, to the event
    history and to the samples; then what the call changed is saved.

    :returns: that of calls, and that of records which repeat one, of which there are very many and nothing to save.
    """

    def deliver(call: RecordedCall) -> None:
        if lab.engine.record(call.record, call.text):
            eventbridge.publish(call.record, call.text)

    def note(call: RecordedCall) -> None:
        last_use.note(call.record)
        sessions.note(call.record)

    def save(call: RecordedCall) -> None:
        try:
            lab.saved.record(call.record)
        except OSError as error:
            lab.not_written = _NOT_WRITTEN.format(error)
            raise

    key_uses = KeyUses()

    def consequences(call: RecordedCall, response: Response, moment: datetime) -> Iterator[RecordedCall]:
        yield from secrets_read(call, secrets_of_batch(call.record, response))
        yield from calls_for_caller(call, key_uses.of_call(call, response, moment), moment)

    now, history = lab.clock.now, lab.history.add
    recorder = Recorder((deliver, note, history, lab.samples.take), now, consequences, save)
    return recorder, Recorder((deliver, note, history), now)


def _record_delivery(recorder: Recorder, written: Written) -> None:
    """CloudTrail's own calls for a file that it delivered: it looks at the bucket, and uses the key."""
    bucket, moment = written.bucket, written.moment
    recorder.take(bucket_acl_record(bucket.name, bucket.account, bucket.region, moment))
    if written.key_arn:
        s3_arn = f"arn:aws:s3:::{bucket.name}" + ("" if bucket.uses_bucket_key else f"/{written.object_key}")
        recorder.take(cloudtrail_key_use(written.trail_arn, s3_arn, written.key_arn, moment))


def _instance_credentials(api: Api) -> Page:
    async def credentials(fields: Mapping[str, str]) -> dict[str, Any]:
        found = instance_roles.instance_credentials(api.call_by, fields["role"], fields["instance"], fields["region"])
        return {"credentials": {name: str(value) for name, value in found.items()}}

    return credentials


def _http_config(listening_fd: int) -> Config:
    config = Config()
    config.bind = [f"fd://{listening_fd}"]
    config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    config.loglevel = "WARNING"
    return config


async def _serve(application: Any, config: Config, lab: _Lab, settings: Settings) -> None:
    async def save_and_deliver() -> None:
        while True:
            await asyncio.sleep(settings.delivery_seconds)
            lab.save_and_deliver()

    async with asyncio.TaskGroup() as group:
        delivering = group.create_task(save_and_deliver())
        await serve(application, config)
        delivering.cancel()
