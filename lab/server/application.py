"""The lab's application: MiniStack, what it lacks, and the recording in front of it."""

import asyncio
import gc
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.core import hypercorn_compat

from lab.clock import Clock
from lab.cloudformation.api import Api
from lab.cloudformation.names import require_names
from lab.cloudformation.registry import install
from lab.cloudtrail import operations
from lab.cloudtrail.event_history import EventHistory
from lab.confinement.code_execution import run_no_code
from lab.confinement.decompression import bound_inflating
from lab.confinement.engines import use_no_engines
from lab.confinement.outgoing_calls import call_nobody
from lab.confinement.process import confine
from lab.delivery.engine import Engine
from lab.delivery.install import add_delivery, open_delivery
from lab.instance.own_pages import STATUS
from lab.ministack import cloudformation, core, iam, s3
from lab.records.record import RecordedCall
from lab.records.recorder import Recorder
from lab.server.gateway import Gateway, Page
from lab.server.pages import pages_of
from lab.server.persistence import KeptState, Restored
from lab.server.validation import Validated
from lab.services import eventbridge, s3_replication, unsupported
from lab.services.s3_account_public_access import AccountPublicAccess
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
    """What the lab knows about itself."""

    instance: str
    clock: Clock
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
    :param secret: the lab's own (`lab.secret`).
    """
    delivery = open_delivery(home / "data", settings)
    lab = _Lab(instance, delivery.clock)
    if delivery.is_resumed:
        lab.warn(_HISTORY_BEGINS.format(delivery.clock.now()))
    kept = KeptState(core.save_state)

    def deliver(call: RecordedCall) -> None:
        if delivery.engine.record(call.record, call.text):
            eventbridge.publish(call.record, call.text)

    sinks = (
        deliver,
        lambda call: kept.record(call.record),
        lab.history.add,
    )
    recorder = Recorder(sinks, delivery.clock.now)
    unsupported.install()
    operations.install(lab.history)
    add_delivery(delivery)
    s3.block_public_access_of_new_buckets()
    s3.let_s3_encrypt_with_its_own_key()
    s3.list_what_xml_cannot_hold()
    s3_replication.install(delivery.clock.now, lab.warn)
    eventbridge.install(delivery.clock.now, lab.warn)
    run_no_code()
    require_names(cloudformation.resource_handlers)
    use_no_engines()
    call_nobody(lab.warn)
    iam.trust_the_gateway()
    bound_inflating()
    install(Api(recorder), lab.warn)
    confine(home, lab.warn)
    hypercorn_compat.install()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    config = Config()
    config.bind = [f"fd://{listening_fd}"]
    config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    config.loglevel = "WARNING"
    pages: dict[str, Page] = {f"GET {STATUS}": lab.status, **pages_of(delivery)}
    inner = Restored(AccountPublicAccess(Validated(core.application)), delivery.engine.resume)
    gateway = Gateway(inner, recorder, delivery.clock.lab_time, pages, secret=secret, instance=instance)
    asyncio.run(_serve(gateway, config, delivery.engine, kept, settings))


async def _serve(gateway: Any, config: Config, engine: Engine, kept: KeptState, settings: Settings) -> None:
    async def keep_and_deliver() -> None:
        while True:
            await asyncio.sleep(settings.delivery_seconds)
            kept.save_if_changed()
            engine.tick()

    async with asyncio.TaskGroup() as group:
        delivering = group.create_task(keep_and_deliver())
        await serve(gateway, config)
        delivering.cancel()
