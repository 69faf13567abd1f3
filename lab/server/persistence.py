"""The state of the services, saved to disk, so that a lab whose process was killed can resume."""

from collections.abc import Callable, Mapping
from typing import Any

from lab.protocol.asgi import Application, Message, Receive, Send

# Saved before the caller has the answer: who may call, and trails. A record must not outlive the trail that asked for
# it, nor the bucket and key that the trail needs, so all services are saved with a trail.
_AT_ONCE: dict[str, frozenset[str] | None] = {
    "cloudtrail.amazonaws.com": None,
    "iam.amazonaws.com": frozenset({"iam"}),
    "sts.amazonaws.com": frozenset({"iam", "sts"}),
}
_NEW_CREDENTIALS = "AssumeRole"  # changes nothing, as CloudTrail sees it


class SavedState:
    """Saves after changes: some before their caller has the answer, all others a little later."""

    def __init__(self, save: Callable[[frozenset[str] | None], None]) -> None:
        """:param save: writes these services (all when None), each at once or not at all; raises OSError."""
        self._save = save
        self._is_changed = False

    def record(self, record: Mapping[str, Any]) -> None:
        """Takes note of a call that changed something.

        :raises OSError: what must be saved at once could not be.
        """
        reads_only = record["readOnly"] and not record["eventName"].startswith(_NEW_CREDENTIALS)
        if reads_only or not record["managementEvent"]:
            return
        self._is_changed = True
        source = record["eventSource"]
        if source in _AT_ONCE and "errorCode" not in record:
            services = _AT_ONCE[source]
            self._save(services)
            self._is_changed = services is not None

    def save_if_changed(self) -> None:
        """Saves when something has changed since the last time.

        :raises OSError: it could not be written; the next time it is tried again.
        """
        if self._is_changed:
            self._save(None)
            self._is_changed = False


class AfterStartup:
    """The services, and what is to happen once they have read back what they held."""

    def __init__(self, inner: Application, when_read: Callable[[], None]) -> None:
        self._inner = inner
        self._when_read = when_read

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""

        async def notice(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._when_read()
            await send(message)

        await self._inner(scope, receive, notice if scope["type"] == "lifespan" else send)
