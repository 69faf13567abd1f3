"""The state of the services, saved to disk, so that a lab whose process was killed can resume."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lab.protocol.asgi import Application, Message, Receive, Send


class Journal(Protocol):
    """What keeps the services' state (`lab.ministack.state_journal`)."""

    def save(self, source: str) -> None:
        """Saves what the call that is served changed, and what else was looked at by no call.

        :param source: of the call, as in its record.

        :raises OSError: it could not be written; `save_everything` tries it again.
        """

    def save_everything(self) -> None:
        """Saves all that has changed, whatever changed it.

        :raises OSError: it could not be written; the next time it is tried again.
        """


class SavedState:
    """Saves what a call changed before its caller has the answer, and what changes by itself a little later."""

    def __init__(
        self,
        journal: Journal,
        save_sessions: Callable[[], None],
        has_new_sessions: Callable[[], bool],
        is_busy: Callable[[], bool],
    ) -> None:
        """:param save_sessions: writes new temporary credentials, and those that could not be written; raises OSError.
        :param has_new_sessions: whether there are any that were not tried to be written.
        :param is_busy: whether something changes that no call asks for, such as a stack that is being made.
        """
        self._journal = journal
        self._save_sessions = save_sessions
        self._has_new_sessions = has_new_sessions
        self._is_busy = is_busy
        self._is_changed = False

    def record(self, record: Mapping[str, Any]) -> None:
        """Saves what a call changed, if it did. What earlier calls could not save is left to the next tick.

        :raises OSError: it could not be; the next time it is tried again.
        """
        has_new_sessions = self._has_new_sessions()  # of calls that read only, as CloudTrail sees it
        self._is_changed = self._is_changed or not record["readOnly"]
        try:
            if has_new_sessions:
                self._save_sessions()
        finally:
            if not record["readOnly"] and "errorCode" not in record:
                self._journal.save(record["eventSource"])

    def save_around(self, deliver: Callable[[], None]) -> None:
        """Saves what has changed, delivers, and saves what that changed. Temporary credentials have a file of their
        own, and nothing waits until that can be written.

        :raises OSError: something could not be written; the next time it is tried again.
        """
        try:
            self.save_if_changed()
            deliver()
            self.save_if_changed()
        finally:
            self._save_sessions()

    def save_if_changed(self) -> None:
        """Saves what the services hold, if it has changed since the last time.

        :raises OSError: it could not be written; the next time it is tried again.
        """
        is_changed, self._is_changed = self._is_changed, True  # unless it is saved
        if is_changed:
            self._journal.save_everything()
        else:
            self._journal.save("")
        self._is_changed = is_changed and self._is_busy()


class Lifespan:
    """The services, what is to happen once they have read back what they held, and before they end."""

    def __init__(self, inner: Application, when_read: Callable[[], None], at_end: Callable[[], None]) -> None:
        self._inner = inner
        self._when_read = when_read
        self._at_end = at_end

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""

        async def notice(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._when_read()
            await send(message)

        async def next_message() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._at_end()
            return message

        if scope["type"] == "lifespan":
            await self._inner(scope, next_message, notice)
        else:
            await self._inner(scope, receive, send)
