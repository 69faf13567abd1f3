"""The state of the services, saved to disk, so that a lab whose process was killed can resume."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.protocol.asgi import Application, Message, Receive, Send

# Where the calls of a source, in its records, leave something: MiniStack's names. Those of other sources may leave
# something anywhere. A record must not outlive the trail that asked for it, nor the bucket and key that the trail
# needs, so all services are saved with a trail.
_KEPT_IN: dict[str, frozenset[str]] = {
    "dynamodb.amazonaws.com": frozenset({"dynamodb", "dynamodb_streams"}),
    "ec2.amazonaws.com": frozenset({"ec2"}),
    "events.amazonaws.com": frozenset({"eventbridge"}),
    "iam.amazonaws.com": frozenset({"iam"}),
    "kms.amazonaws.com": frozenset({"kms"}),
    "lambda.amazonaws.com": frozenset({"lambda", "cloudwatch_logs"}),
    "logs.amazonaws.com": frozenset({"cloudwatch_logs"}),
    "monitoring.amazonaws.com": frozenset({"cloudwatch"}),
    "s3.amazonaws.com": frozenset({"s3"}),
    "secretsmanager.amazonaws.com": frozenset({"secretsmanager"}),
    "sns.amazonaws.com": frozenset({"sns"}),
    "sqs.amazonaws.com": frozenset({"sqs"}),
    "ssm.amazonaws.com": frozenset({"ssm"}),
    "sts.amazonaws.com": frozenset({"iam", "sts"}),
}
# Who may call, and who could: however many there are, nobody has an answer before they are saved.
_ALWAYS_AT_ONCE = frozenset({"iam.amazonaws.com", "sts.amazonaws.com"})
# More than this would take longer to write than the call itself, again for every call.
MOST_BYTES = 64 * 1024
_NEW_CREDENTIALS = "AssumeRole"  # changes nothing, as CloudTrail sees it


class SavedState:
    """Saves after changes: before their caller has the answer, or a little later if it is only content, or much."""

    def __init__(
        self,
        save: Callable[[frozenset[str] | None], None],
        saved_bytes: Callable[[Iterable[str]], int],
        is_busy: Callable[[], bool],
    ) -> None:
        """:param save: writes these services (all when None), each at once or not at all; raises OSError.
        :param saved_bytes: how much was written of these services the last time.
        :param is_busy: whether something changes that no call asks for, such as a stack that is being made.
        """
        self._save = save
        self._saved_bytes = saved_bytes
        self._is_busy = is_busy
        self._is_changed = False

    def record(self, record: Mapping[str, Any]) -> None:
        """Takes note of a call that changed something.

        :raises OSError: what must be saved at once could not be.
        """
        if record["readOnly"] and not record["eventName"].startswith(_NEW_CREDENTIALS):
            return
        source = record["eventSource"]
        services = _KEPT_IN.get(source)
        is_content = not record["managementEvent"]
        if is_content or "errorCode" in record or not self._may_wait_for(source, services):
            self._is_changed = True
            return
        self._save(services)
        self._is_changed = services is not None or self._is_busy()

    def _may_wait_for(self, source: str, services: frozenset[str] | None) -> bool:
        """Whether the answer waits until services are saved."""
        return services is None or source in _ALWAYS_AT_ONCE or self._saved_bytes(services) <= MOST_BYTES

    def save_if_changed(self) -> None:
        """Saves when something has changed since the last time.

        :raises OSError: it could not be written; the next time it is tried again.
        """
        if self._is_changed:
            self._save(None)
            self._is_changed = self._is_busy()


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
