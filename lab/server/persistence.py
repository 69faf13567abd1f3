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
    "kinesis.amazonaws.com": frozenset({"kinesis"}),
    "kms.amazonaws.com": frozenset({"kms"}),
    "lambda.amazonaws.com": frozenset({"lambda", "cloudwatch_logs"}),
    "logs.amazonaws.com": frozenset({"cloudwatch_logs"}),
    "monitoring.amazonaws.com": frozenset({"cloudwatch"}),
    "s3.amazonaws.com": frozenset({"s3"}),
    "secretsmanager.amazonaws.com": frozenset({"secretsmanager"}),
    "sns.amazonaws.com": frozenset({"sns", "sqs"}),  # a message of a topic is in its queues when it is taken
    "sqs.amazonaws.com": frozenset({"sqs"}),
    "ssm.amazonaws.com": frozenset({"ssm"}),
}
# Who may call, and who could: however many there are, nobody has an answer before they are saved.
_ALWAYS_AT_ONCE = "iam.amazonaws.com"
# Writing this much takes some 10 ms, again for every call: it is hundreds of resources of a service.
MOST_BYTES = 256 * 1024


class SavedState:
    """Saves after changes: before their caller has the answer, or a little later if it is very much."""

    def __init__(
        self,
        save: Callable[[frozenset[str] | None], None],
        save_sessions: Callable[[], None],
        has_new_sessions: Callable[[], bool],
        saved_bytes: Callable[[Iterable[str]], int],
        is_busy: Callable[[], bool],
        has_object_lock: Callable[[], bool] = lambda: False,
    ) -> None:
        """:param save: writes these services (all when None), each at once or not at all; raises OSError.
        :param save_sessions: writes new temporary credentials, and those that could not be written; raises OSError.
        :param has_new_sessions: whether there are any that were not tried to be written.
        :param saved_bytes: how much was written of these services the last time.
        :param is_busy: whether something changes that no call asks for, such as a stack that is being made.
        :param has_object_lock: whether what is saved of S3 says something of objects too.
        """
        self._save = save
        self._save_sessions = save_sessions
        self._has_new_sessions = has_new_sessions
        self._saved_bytes = saved_bytes
        self._is_busy = is_busy
        self._has_object_lock = has_object_lock
        self._is_changed = False

    def record(self, record: Mapping[str, Any]) -> None:
        """Saves what a call changed, if it did. What earlier calls could not save is left to the next tick.

        :raises OSError: what must be saved at once could not be; the next time it is tried again.
        """
        has_new_sessions = self._has_new_sessions()  # of calls that read only, as CloudTrail sees it
        self._is_changed = self._is_changed or has_new_sessions or not record["readOnly"]
        if has_new_sessions:
            self._save_sessions()
        if record["readOnly"]:
            return
        source = record["eventSource"]
        services = _KEPT_IN.get(source)
        is_of_object = source == "s3.amazonaws.com" and not record["managementEvent"]
        is_in_files_of_its_own = is_of_object and not self._has_object_lock()
        if is_in_files_of_its_own or "errorCode" in record or not self._may_wait_for(source, services):
            return
        self._save(services)
        self._is_changed = services is not None or self._is_busy()

    def _may_wait_for(self, source: str, services: frozenset[str] | None) -> bool:
        """Whether the answer waits until services are saved."""
        return services is None or source == _ALWAYS_AT_ONCE or self._saved_bytes(services) <= MOST_BYTES

    def object_written(self) -> None:
        """Takes note of an object of S3 that no call has written."""
        self._is_changed = self._is_changed or self._has_object_lock()

    def save_if_changed(self) -> None:
        """Saves when something has changed since the last time.

        :raises OSError: it could not be written; the next time it is tried again.
        """
        self._save_sessions()
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
