"""The state of the services, saved to disk, so that a lab whose process was killed can resume."""

from collections.abc import Callable, Mapping
from typing import Any

from lab.protocol.asgi import Application, Message, Receive, Send

# A record must not outlive the trail that asked for it, nor the bucket and key that the trail needs.
_AT_ONCE = "cloudtrail.amazonaws.com"


class SavedState:
    """Saves after changes: those to trails before their caller has the answer, all others a little later."""

    def __init__(self, save: Callable[[], None]) -> None:
        """:param save: writes everything, at once or not at all."""
        self._save = save
        self._is_changed = False

    def record(self, record: Mapping[str, Any]) -> None:
        """Takes note of a call that changed something."""
        if record["readOnly"] or not record["managementEvent"]:
            return
        self._is_changed = True
        if record["eventSource"] == _AT_ONCE:
            self.save_if_changed()

    def save_if_changed(self) -> None:
        """Saves when something has changed since the last time."""
        if self._is_changed:
            self._is_changed = False
            self._save()


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
