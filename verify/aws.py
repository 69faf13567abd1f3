"""The only place that builds boto3 clients and the only place that sees botocore's exceptions.

Every call goes through :meth:`Aws.call`, :meth:`Aws.pages` or :meth:`Aws.token_pages`, which turn botocore's failures
into the errors of :mod:`verify.errors`. An error answer that a caller can make sense of (``NoSuchBucket``)
passes through as :class:`ApiError`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from botocore import exceptions as boto
from botocore import xform_name

from verify.credentials import Credentials
from verify.endpoints import Endpoints, check_url, give_up_when_nothing_is_there, what_to_check
from verify.error_codes import error_for
from verify.errors import ApiError, CannotLook, NoCredentials, Unreachable, UsageError
from verify.threads import Patience

# The rest of botocore and boto3 takes a fifth of a second to load. It is loaded by those who ask AWS: a question about
# files of this machine asks nothing.
if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from botocore.config import Config

__all__ = ["Answer", "ApiError", "Aws", "Caller", "iam_action"]

# boto3's answer to one operation, as the AWS API reference describes it.
Answer = dict[str, Any]

_CREDENTIAL_EXCEPTIONS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
)
T = TypeVar("T")

_PIECE_BYTES = 1024 * 1024
# A time-out ends the wait for the next byte. What sends a byte now and then, pages without end or an answer without end
# must end, too. Six attempts of a call with their pauses take up to five minutes.
_ONE_CALL_SECONDS = 400.0
_USUAL_SECONDS = 5.0  # throttled calls take a while, and there may be many
_ALL_CALLS_SECONDS = 600.0
_LAST_CALL_SECONDS = 9.0  # of a call that is on its way when the patience ends
_MAX_PAGES = 2_000
# Fields that say that there is more, each with those of which one says where: IAM's and S3's, KMS's.
_TRUNCATED = (("IsTruncated", ("Marker", "NextContinuationToken", "NextKeyMarker")), ("Truncated", ("NextMarker",)))
_MAX_ANSWER_BYTES = 64 * 2**20
# What botocore's parsers raise when the answer is not AWS's: they trust the shape of what they read.
_MALFORMED_ANSWER = (LookupError, TypeError, AttributeError, ValueError, RecursionError)
# IAM names a few actions differently from the API operation.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_IAM_ACTIONS = {
    ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "GetBucketEncryption"): "s3:GetEncryptionConfiguration",
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("s3", "GetBucketLifecycleConfiguration"): "s3:GetLifecycleConfiguration",
    ("s3", "GetObjectLockConfiguration"): "s3:GetBucketObjectLockConfiguration",
    ("s3", "GetBucketReplication"): "s3:GetReplicationConfiguration",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "ListObjectVersions"): "s3:ListBucketVersions",
    ("s3control", "GetPublicAccessBlock"): "s3:GetAccountPublicAccessBlock",
    ("accessanalyzer", "ListAnalyzers"): "access-analyzer:ListAnalyzers",
}


def iam_action(service: str, operation: str) -> str:
    """The IAM permission behind an API operation: ``("s3", "GetBucketPolicy")`` → ``s3:GetBucketPolicy``."""
    prefix = "s3" if service == "s3control" else service
    return _IAM_ACTIONS.get((service, operation), f"{prefix}:{operation}")


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity that the verifier's requests are made with (STS GetCallerIdentity)."""

    account: str
    arn: str


class Aws:
    """One session: a profile, a region and, when it is not AWS itself, an endpoint.

    Clients are made on first use and shared; botocore clients are safe to use from several threads.

    :param profile: a profile of the AWS configuration files. Default: - the ordinary credential chain.
    :param region: Default: - the profile's or the environment's region.
    :param endpoint_url: Default: - the environment's ``AWS_ENDPOINT_URL``, else AWS.
    :param patience_seconds: how long calls are made and made again, from now on; what was not answered by then is
        :class:`Unreachable`. A call that is on its way then has 9 seconds more. Default: - as long as it takes.
    :raises UsageError: an unknown profile, no region anywhere, or one that can be none.
    """

    def __init__(
        self,
        *,
        profile: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        patience_seconds: float | None = None,
    ) -> None:
        import boto3  # noqa: PLC0415
        from botocore.hooks import HierarchicalEmitter  # noqa: PLC0415
        from botocore.session import Session, get_session  # noqa: PLC0415

        from verify.botocore_parts import Models, Parsers  # noqa: PLC0415

        self.profile = profile
        self._patience_seconds = patience_seconds
        self._answered = monotonic()
        self._ends = None if patience_seconds is None else self._answered + patience_seconds
        self._is_renewed = False
        self._endpoint_url = endpoint_url
        self._clock_skew = timedelta()
        self._caller: Caller | None = None
        self._caller_lock = Lock()
        self._patience = Patience(_ONE_CALL_SECONDS, _USUAL_SECONDS, _ALL_CALLS_SECONDS)
        self._lock = Lock()  # boto3.Session.client is not thread-safe; the clients it returns are
        self._clients: dict[tuple[str, str], Any] = {}  # by service and region
        try:
            hooks = HierarchicalEmitter()
            core = Session(event_hooks=hooks)
            # botocore would look for old names in each name of an event, which only handlers of others may have.
            core.register_component("event_emitter", hooks)
            loader = core.get_component("data_loader")
            loader.file_loader = Models()
            loader.list_available_services = partial(_Services, loader)
            self.endpoints = Endpoints(loader.load_data("partitions"))
            self._parsers = Parsers()
            core.register_component("response_parser_factory", self._parsers)
            if profile is not None:
                core.set_config_variable("profile", profile)
            # botocore itself knows AWS_DEFAULT_REGION only.
            if wanted := region or os.environ.get("AWS_REGION"):
                core.set_config_variable("region", wanted)
            core.get_scoped_config()
            found: str | None = core.get_config_variable("region")
            self._core: Any = core
            self._session: Any = boto3.Session(botocore_session=core)
        except boto.ProfileNotFound as error:
            # A new session, as this one goes on to fail.
            known = ", ".join(get_session().available_profiles) or "none"
            raise UsageError(f"{error}. Profiles on this machine: {known}.") from error
        except boto.BotoCoreError as error:
            raise UsageError(f"The AWS configuration cannot be used: {error}") from error
        if not found:
            raise UsageError("No AWS region is set. Name one with --region, for example --region us-east-1.")
        self.region = found
        self.partition = self.partition_of(self.region)  # an endpoint that is not AWS's may answer for any name

    @property
    def endpoint_url(self) -> str | None:
        """The endpoint that is not AWS's, perhaps of some services only; ``None`` when all are AWS's."""
        self.client("sts")  # every command calls it
        return self.endpoints.elsewhere

    def check_region(self, region: str | None = None) -> None:
        """Refuse a region that AWS does not have, for an endpoint that is not AWS's may answer for any.

        :param region: Default: - the session's region.
        :raises UsageError: botocore knows no such region.
        """
        wanted, regions = region or self.region, self.endpoints.regions
        self.partition_of(wanted)
        if wanted not in regions:
            near = ", ".join(get_close_matches(wanted, regions, n=3)) or "us-east-1"
            raise UsageError(
                f"There is no region {wanted!r} that this version of botocore knows. Did you mean {near}? "
                "For a region that is newer, install a newer boto3."
            )

    def partition_of(self, region: str) -> str:
        """``aws``, ``aws-us-gov``, ``aws-cn`` …; a name that no region can have raises UsageError."""
        try:
            return str(self._session.get_partition_for_region(region))
        except boto.BotoCoreError as error:
            raise UsageError(f"{region!r} is not an AWS region, such as us-east-1.") from error

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client.

        :param region: Default: - the session's region.
        :raises UsageError: a service, region or endpoint that botocore cannot make sense of.
        """
        wanted = service, region or self.region
        if wanted not in self._clients:  # asked without the lock: making another one takes a while
            with self._lock:
                if wanted not in self._clients:
                    self._clients[wanted] = self._new_client(*wanted)
        return self._clients[wanted]

    def _new_client(self, service: str, region: str) -> Any:
        # GetCallerIdentity comes first: when nothing answers, it is better known at once than after six attempts.
        has_time = self._ends is None or self._is_renewed
        attempts = 2 if service == "sts" else 6 if has_time else 4
        config = _config(
            # The adaptive mode waits before it calls, perhaps for long. S3 is too busy for moments, but would soon be
            # asked no more than once in two seconds.
            retries={
                "mode": "adaptive" if has_time and service != "s3" else "standard",
                "total_max_attempts": attempts,
            },
            connect_timeout=5,
            read_timeout=30 if self._ends is None else _LAST_CALL_SECONDS,
            max_pool_connections=32,
            user_agent_extra="SecureTrail-verify",
        )
        try:
            # Another endpoint has no host names that begin with the name of a bucket or an account.
            in_path = config.merge(_config(s3={"addressing_style": "path"}))
            is_elsewhere = service == "s3" and self.endpoints.elsewhere is not None  # as other clients' are
            client = self._client_of(service, region, in_path if is_elsewhere else config)
            check_url(client.meta.endpoint_url)
            if service == "s3" and is_elsewhere is self.endpoints.is_aws(client.meta.endpoint_url):
                client = self._client_of(service, region, config if is_elsewhere else in_path)
            if not self.endpoints.is_aws(client.meta.endpoint_url):
                client.meta.events.register("before-sign.s3-control", _without_account_in_host)
        except (ValueError, boto.BotoCoreError) as error:
            raise UsageError(f"Cannot use {service} in {region!r}: {error}") from error
        client._endpoint.http_session = _Bounded(client._endpoint.http_session)  # noqa: SLF001 - it has no other access
        client.meta.events.register("before-parse", _refuse_nothing)
        client.meta.events.register("needs-retry", partial(give_up_when_nothing_is_there, boto.EndpointConnectionError))
        if self._ends is not None:
            client.meta.events.register("needs-retry", self._give_up_when_time_is_up)
        self.endpoints.add(service, region, client.meta.endpoint_url)
        return client

    def _client_of(self, service: str, region: str, config: Config) -> Any:
        return self._session.client(service, region, endpoint_url=self._endpoint_url, config=config)

    def renew_patience(self) -> None:
        """Count the session's patience from the last answer on, and from each one that comes: what has thousands of
        pages takes as long as it takes, and what answers nothing is left alone when that time is over.
        """
        self._is_renewed = True
        if self._patience_seconds is not None:
            self._ends = self._answered + self._patience_seconds

    def _left_seconds(self) -> float | None:
        """For how long a call that begins now may be waited for; zero if it is not to be made."""
        if self._ends is None:
            return None
        left = self._ends - monotonic()
        return left + _LAST_CALL_SECONDS if left > 0 else 0.0

    def _give_up_when_time_is_up(
        self,
        *,
        response: tuple[Any, Any] | None,
        operation: Any,
        caught_exception: Exception | None,
        **_: object,
    ) -> None:
        """End the attempts with the error of the last one, which says more than that there was no answer in time."""
        if self._left_seconds() != 0:
            return
        if caught_exception is not None:
            raise caught_exception
        if response is not None and response[1].get("Error"):
            raise boto.ClientError(response[1], operation.name)

    def caller(self) -> Caller:
        """The caller of the verifier's requests; asked once, as all that is concluded must rest on the same answer.

        :raises CannotLook: the credentials are missing, expired or wrong, or AWS cannot be reached.
        """
        with self._caller_lock:
            if self._caller is None:
                answer = self.call("sts", "GetCallerIdentity")
                try:
                    self._caller = Caller(account=answer["Account"], arn=answer["Arn"])
                except KeyError as error:
                    why = f"sts:GetCallerIdentity answered without {error}. Check --endpoint-url."
                    raise CannotLook(why) from error
            return self._caller

    def call(self, service: str, operation: str, *, in_region: str | None = None, **parameters: Any) -> Answer:
        """Call one API operation by its AWS name, such as ``aws.call("kms", "DescribeKey", KeyId=…)``.

        :param in_region: Default: - the session's region.
        :returns: the answer as boto3 gives it, without ``ResponseMetadata``.
        :raises ApiError: AWS answered with an error that the caller may understand.
        :raises CannotLook: everything else; see :mod:`verify.errors`.
        """
        method = getattr(self.client(service, in_region), xform_name(operation))
        answer: Answer = self.waited_for(lambda: method(**parameters), service, operation)
        self._note_clock(answer.pop("ResponseMetadata", None))
        return answer

    def clock_skew(self) -> timedelta:
        """How far the service's clock, by the Date of its last answer, is ahead of this machine's; zero if unknown."""
        return self._clock_skew

    def _note_clock(self, metadata: Any) -> None:
        date = ((metadata or {}).get("HTTPHeaders") or {}).get("date")
        try:
            self._clock_skew = parsedate_to_datetime(date) - datetime.now(UTC) if date else timedelta()
        except (TypeError, ValueError):
            self._clock_skew = timedelta()

    def pages(
        self, service: str, operation: str, *, in_region: str | None = None, **parameters: Any
    ) -> Iterator[Answer]:
        """As :meth:`call`, one answer for each page of a paginated operation."""
        paginator = self.client(service, in_region).get_paginator(xform_name(operation))
        pages = iter(paginator.paginate(**parameters))
        for _ in range(_MAX_PAGES):
            page: Answer | None = self.waited_for(lambda: next(pages, None), service, operation)
            if page is None:
                return
            for truncated, markers in _TRUNCATED:
                # botocore would take it for the last page.
                if page.get(truncated) and not any(map(page.get, markers)):
                    permission, names = iam_action(service, operation), " and ".join(markers)
                    raise CannotLook(f"{permission} says that there is more, but not where: {names} is missing")
            yield page
        raise _without_end(service, operation)

    def token_pages(
        self, service: str, operation: str, token: str, *, in_region: str | None = None, **parameters: Any
    ) -> Iterator[Answer]:
        """As :meth:`pages`, of an operation that botocore does not know to have pages.

        :param token: the field that says where there is more, in the answer and in the next question.
        """
        more: Answer = {}
        for _ in range(_MAX_PAGES):
            answer = self.call(service, operation, in_region=in_region, **parameters, **more)
            yield answer
            if not answer.get(token):
                return
            more = {token: answer[token]}
        raise _without_end(service, operation)

    def listing_in(self, body: bytes) -> Answer:
        """What boto3 makes of an answer to S3's ListObjectsV2 with ``encoding-type=url``.

        :raises CannotLook: it is not AWS's.
        """
        from botocore.handlers import decode_list_object_v2  # noqa: PLC0415

        model = self.client("s3").meta.service_model
        shape = model.operation_model("ListObjectsV2").output_shape
        response = {"status_code": 200, "headers": {}, "body": body}
        try:
            answer: Answer = self._parsers.create_parser(model.protocol).parse(response, shape)
            decode_list_object_v2(answer, {"encoding_type_auto_set": True})
        except _boto_errors() as error:
            raise _translated(error, "s3", "ListObjectsV2") from error
        return answer

    def download(self, bucket: str, key: str, feed: Callable[[bytes], bool]) -> Answer:
        """Read an S3 object.

        :param feed: takes its content in pieces, in another thread; ``False`` when no more is wanted.
        :returns: what GetObject says about it.
        :raises CannotLook: as :meth:`call` does, or :class:`ApiError`.
        """
        client = self.client("s3")

        def read() -> Answer:
            answer: Answer = client.get_object(Bucket=bucket, Key=key)
            with closing(answer.pop("Body")) as body:
                for piece in body.iter_chunks(_PIECE_BYTES):
                    if not feed(piece):
                        break
            return answer

        return self.waited_for(read, "s3", "GetObject")

    @property
    def is_too_slow(self) -> bool:
        """Whether so much was waited for that nothing more is asked."""
        return self._patience.is_over

    def waited_for(self, ask: Callable[[], T], service: str, operation: str) -> T:
        """What a call gives, which is run in another thread.

        :raises CannotLook: as :meth:`call` does, also when it is not over in time; :class:`ApiError`.
        """
        try:
            answer = self._patience.wait(ask, self._left_seconds())
        except _boto_errors() as error:
            raise _translated(error, service, operation) from error
        except TimeoutError as error:
            permission = iam_action(service, operation)
            raise Unreachable(f"{permission}: {error}. Check the network, --region and --endpoint-url.") from error
        self._answered = monotonic()
        if self._is_renewed and self._patience_seconds is not None:
            self._ends = self._answered + self._patience_seconds
        return answer

    def credentials(self) -> Credentials:
        """The session's credentials, refreshed when they are about to expire.

        :raises NoCredentials: there are none, or they cannot be refreshed.
        """
        try:
            found = self._session.get_credentials()
            if found is None:
                raise boto.NoCredentialsError
            frozen = found.get_frozen_credentials()
        except boto.BotoCoreError as error:
            raise _translated(error, "s3", "GetObject") from error
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    def ca_file_and_proxy(self, url: str) -> tuple[str, str]:
        """What botocore uses for a URL: the file with the certificates to trust, and the proxy (``""`` for none)."""
        from botocore.httpsession import get_cert_path  # noqa: PLC0415
        from botocore.utils import get_environ_proxies  # noqa: PLC0415

        scheme = urlsplit(url).scheme
        proxy = str(get_environ_proxies(url).get(scheme, ""))
        if scheme == "http" and not proxy:
            return "", ""  # to find the file takes as long as to make a client
        return get_cert_path(self._core.get_config_variable("ca_bundle") or True) or "", proxy


def _without_end(service: str, operation: str) -> CannotLook:
    permission = iam_action(service, operation)
    return CannotLook(f"{permission} has more than {_MAX_PAGES:,} pages, or no end. Check --endpoint-url.")


def _config(**options: Any) -> Config:
    from botocore.config import Config  # noqa: PLC0415

    return Config(**options)


@lru_cache
def _boto_errors() -> tuple[type[Exception], ...]:
    """What a call of botocore may raise."""
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    return (boto.ClientError, boto.BotoCoreError, ResponseParserError, *_MALFORMED_ANSWER)


class _Bounded:
    """A botocore HTTP session whose answers have an end. botocore reads them whole, but for what is streamed."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, request: Any) -> Any:
        """See ``botocore.httpsession.URLLib3Session``."""
        is_streamed, request.stream_output = request.stream_output, True
        response = self._session.send(request)
        if not is_streamed or response.status_code >= 300:
            response.raw = _BoundedBody(response.raw)
        return response

    def close(self) -> None:
        """See ``botocore.httpsession.URLLib3Session``."""
        self._session.close()


class _BoundedBody:
    """The part of a response that botocore uses to read all of it."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def stream(self) -> Iterator[bytes]:
        """See ``urllib3.HTTPResponse``.

        :raises ValueError: there is too much of it.
        """
        left = _MAX_ANSWER_BYTES
        for piece in self._raw.stream():
            left -= len(piece)
            if left < 0:
                self._raw.close()
                raise ValueError(f"it is longer than {_MAX_ANSWER_BYTES:,} bytes")
            yield piece


class _Services:
    """The names of all services, as botocore's loader lists them, of which every name is taken for one.

    To find out whether there is one of a name, botocore would look into some 400 folders.
    """

    def __init__(self, loader: Any, type_name: str) -> None:
        self._loader, self._type_name = loader, type_name

    def __contains__(self, service: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        yield from type(self._loader).list_available_services(self._loader, self._type_name)


def _without_account_in_host(request: AWSRequest, **_: object) -> None:
    account = request.headers.get("x-amz-account-id", "")
    request.url = (request.url or "").replace(f"//{account}.", "//", 1)


def _refuse_nothing(operation_model: Any, response_dict: Answer, **_: object) -> None:
    """To botocore an answer without content is one in which all settings are absent. AWS writes an empty element or
    object then, but for HEAD, whose answers have no content.

    :raises ValueError: there should be content.
    """
    shape = operation_model.output_shape
    has_content = shape is not None and shape.members and operation_model.http.get("method") != "HEAD"
    is_read = response_dict["status_code"] == 200 and not operation_model.has_streaming_output
    if has_content and is_read and not response_dict["body"]:
        raise ValueError("it is empty")


def _translated(error: Exception, service: str, operation: str) -> CannotLook:
    """The error of :mod:`verify.errors` that says what botocore's exception means."""
    permission = iam_action(service, operation)
    if isinstance(error, boto.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        message = str(error.response.get("Error", {}).get("Message", ""))
        return error_for(code, message, permission)
    if isinstance(error, _CREDENTIAL_EXCEPTIONS):
        return NoCredentials(
            f"No usable AWS credentials: {error}. Run 'aws configure' or 'aws sso login', or name --profile."
        )
    if isinstance(error, boto.EndpointConnectionError | boto.HTTPClientError):
        return Unreachable(f"{permission}: {error} {what_to_check(str(error.kwargs.get('endpoint_url', '')))}")
    if isinstance(error, boto.BotoCoreError):
        return CannotLook(f"{permission}: {error}")
    detail = f"{type(error).__name__}: {error}".splitlines()[0]
    return CannotLook(f"{permission} got an answer that is not AWS's ({detail}). Check --endpoint-url.")
