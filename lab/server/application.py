"""The server process, put together: MiniStack, what it lacks, and the recording of every call; `run` lists the steps.

Some steps must come in this order:

- `lab.server.__main__` limits what can be imported before this module, and with it MiniStack, is imported;
- CloudTrail's `operations` before its `trails`: both wrap CreateTrail, UpdateTrail and DeleteTrail, and the later is
  the outer one, which rejects a request before the other completes it;
- what wraps a handler of a resource type (names, engines, outgoing calls) before the registry, which puts warnings
  around all of them;
- the process is confined after everything is installed and opened, and before it serves.
"""

import asyncio
import gc
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from lab.clock import Clock, Shift
from lab.cloudformation import names, registry
from lab.cloudformation.api import Api
from lab.cloudtrail import operations, trails
from lab.cloudtrail.event_history import EventHistory
from lab.confinement import code_execution, decompression, engines, outgoing_calls, process, yaml_aliases
from lab.delivery.bucket_writer import BucketWriter
from lab.delivery.engine import Engine
from lab.delivery.journal import Journal
from lab.handshake import STATUS
from lab.ministack import cloudformation, core, iam, s3
from lab.protocol.asgi import Application
from lab.records.record import RecordedCall
from lab.records.recorder import Recorder
from lab.server import http1
from lab.server.gateway import Gateway
from lab.server.pages import Page, pages_about_time
from lab.server.persistence import AfterStartup, SavedState
from lab.server.validation import Validated
from lab.services import eventbridge, s3_replication, unsupported
from lab.services.s3_account_public_access import AccountPublicAccess
from lab.services.s3_request_payment import RequestPayment
from lab.settings import Settings

_KEEP_ALIVE_SECONDS = 75.0
# The service models are very many objects that never become garbage; walking them often takes a tenth of a call's time.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000

_HISTORY_BEGINS = (
    "The lab was started again after its process had ended: its event history (lookup-events) begins at "
    "{:%Y-%m-%dT%H:%M:%SZ}. What happened before is in the log files of its trails."
)


@dataclass(frozen=True, slots=True)
class _Lab:
    """What the lab knows about itself, and holds."""

    instance: str
    clock: Clock
    engine: Engine
    saved: SavedState
    history: EventHistory = field(default_factory=EventHistory)
    warnings: dict[str, None] = field(default_factory=dict)

    def warn(self, warning: str) -> None:
        """Keeps a warning, once."""
        self.warnings.setdefault(warning)

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
            "warnings": list(self.warnings),
            "stacks": cloudformation.stacks(),
        }


def run(listening_fd: int, instance: str, home: Path, settings: Settings, secret: str) -> None:
    """Serves the lab on an inherited listening socket until SIGTERM.

    :param instance: the id that the status page answers with.
    :param home: the lab's folder.
    :param secret: the lab's own (`lab.handshake`).
    """
    lab = _opened(home / "data", instance, settings)
    recorder = _recorder(lab)
    _add_what_ministack_lacks(lab)
    _differ_where_ministack_does(lab)
    _forbid_what_uploads_could_do(lab)
    registry.install(Api(recorder), lab.warn)
    process.confine(home, lab.warn)
    application = _application(lab, recorder, secret)
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
    engine = Engine(journal, clock, settings, trails.trails, BucketWriter(clock))
    lab = _Lab(instance, clock, engine, SavedState(core.save_state))
    if is_resumed:
        lab.warn(_HISTORY_BEGINS.format(clock.now()))
    return lab


def _recorder(lab: _Lab) -> Recorder:
    """Every record goes to delivery and EventBridge, then to what saves, then to the event history."""

    def deliver(call: RecordedCall) -> None:
        if lab.engine.record(call.record, call.text):
            eventbridge.publish(call.record, call.text)

    return Recorder((deliver, lambda call: lab.saved.record(call.record), lab.history.add), lab.clock.now)


def _add_what_ministack_lacks(lab: _Lab) -> None:
    unsupported.install()
    operations.install(lab.history)
    trails.install(lab.engine, lab.clock)


def _differ_where_ministack_does(lab: _Lab) -> None:
    s3.block_public_access_of_new_buckets()
    s3.use_the_aws_managed_key_by_default()
    s3.list_what_xml_cannot_hold()
    s3_replication.install(lab.clock.now, lab.warn)
    eventbridge.install(lab.clock.now, lab.warn)
    iam.trust_the_gateway()
    names.require_names(cloudformation.resource_handlers)


def _forbid_what_uploads_could_do(lab: _Lab) -> None:
    code_execution.forbid_code_execution()
    engines.forbid_engines()
    outgoing_calls.forbid_outgoing_calls(lab.warn)
    decompression.bound_decompression()
    yaml_aliases.bound_aliases()


def _application(lab: _Lab, recorder: Recorder, secret: str) -> Application:
    """What a request passes, from the outside in: gateway, account settings of S3, validation, MiniStack."""
    core.adapt_http_server()
    http1.speak_no_http2()
    inner = AfterStartup(AccountPublicAccess(Validated(RequestPayment(core.application))), lab.engine.resume)
    pages: dict[str, Page] = {f"GET {STATUS}": lab.status, **pages_about_time(lab.engine, lab.clock)}
    return Gateway(inner, recorder, lab.clock.lab_time, pages, secret=secret, instance=lab.instance)


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
            lab.saved.save_if_changed()
            lab.engine.tick()

    async with asyncio.TaskGroup() as group:
        delivering = group.create_task(save_and_deliver())
        await serve(application, config)
        delivering.cancel()
