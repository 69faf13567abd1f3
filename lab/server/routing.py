"""Which requests the lab takes at all: from programs on this machine and no web page of another site, for the API that
they are signed for, and for none of MiniStack's own pages but its health.

A browser says whose page a request comes from (https://www.w3.org/TR/fetch-metadata/), and a page can neither sign a
request nor set an Authorization header without asking first (https://fetch.spec.whatwg.org/#http-cors-protocol).
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote_plus, urlsplit

from lab.endpoint import is_loopback
from lab.protocol import catalogue
from lab.protocol.decode import CBOR_PATH, QUEUE_PATH
from lab.protocol.request import Request

METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"})

_NOT_ACROSS_SITES = ("none", "same-origin")
_LOOPBACK = "//localhost"
_HTTP_PORT = 80
# Every character of a key of S3 (1,024 bytes) escaped, and the longest ARN in a path, are less than half of it.
MAX_PATH_BYTES = 8192

# MiniStack's pages that need no signature: that it runs, and which services it has.
_OPEN_PAGES = frozenset({"/health", "/_ministack/health", "/_localstack/health"})
# What MiniStack serves beside AWS's APIs, whatever a request's signature is for: pages of its own (no name of a bucket
# begins with _), sign-in pages and identity documents of Cognito and EKS, the metadata services of instances and tasks,
# a registry for Docker, a model server, and the entrances of deployed applications. Who may not call at all can send a
# path: each alternative takes time in proportion to its length.
_NO_CALLS = re.compile(
    r"""
    [/.]*/_.*
    | /+(health|login|logout|v2)/*
    | /+(oauth2|saml2|oidc|latest)(/.*)?
    | /(?=[^/]*_)[^/]*/\.well-known/.*
    | /v2/credentials.* | /v4/[a-z0-9_-]{8,}(/.*)?
    | /v2/(_catalog|.*/(blobs|manifests)/.*|.*/tags/list)
    | /v1/chat/completions.*
    | /restapis/[^/]+/[^/]+/_user_request_(/.*)?
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# Paths that MiniStack serves whatever a request is signed for, and what their operations are signed for.
_RDS_DATA = (
    "/Execute",
    "/BatchExecute",
    "/BeginTransaction",
    "/CommitTransaction",
    "/RollbackTransaction",
    "/ExecuteSql",
)
_OWN_PATHS = (
    ("/v2/email", ("ses",)),
    ("/v20180820", ("s3", "s3-outposts")),
    *((path, ("rds-data",)) for path in _RDS_DATA),
)
# What is signed for a service with calls by form, and is none.
_PATHS_BESIDE_FORMS = ("/v2/email/",)
_TABLES = re.compile("/iceberg.*", re.DOTALL)
_TABLE_SERVICES = ("s3tables", "glue")

# `bucket.localhost`, and as S3's own endpoints are named: `bucket.s3.us-east-1.localhost`.
_BUCKET_HOST = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9-]{1,61}[a-z0-9])\.(s3(\.[a-z]{2,4}(-[a-z]+)+-\d+)?\.)?localhost(?P<port>:\d+)?"
)
_ONE_NAME_HOST = re.compile(r"[a-z0-9-]+\.localhost(?P<port>:\d+)?")
_ACCESS_POINT = re.compile(r".+-\d{12}")


def is_from_this_machine(headers: Mapping[str, str]) -> bool:
    """Whether a request may come from a program on this machine, and not from a page of another site.

    :param headers: by lower-case name.
    """
    return headers.get("sec-fetch-site", "none") in _NOT_ACROSS_SITES and _are_local(
        headers.get("host", ""), headers.get("origin", _LOOPBACK), headers.get("referer", _LOOPBACK)
    )


@lru_cache(maxsize=256)
def _are_local(host_header: str, origin: str, referer: str) -> bool:
    try:
        host = urlsplit(f"//{host_header}").hostname or ""
        pages = [urlsplit(each).hostname or "" for each in (origin, referer)]
    except ValueError:
        return False
    return all(map(is_loopback, pages)) and (is_loopback(host) or host.endswith(".localhost"))


@lru_cache(maxsize=256)
def is_for_port(host: str, port: int) -> bool:
    """Whether a Host header names this port: a request that was signed for another one comes from a program that takes
    whoever listens there for the lab, and that one passes it on to read the answer.
    """
    try:
        return (urlsplit(f"//{host}").port or _HTTP_PORT) == port
    except ValueError:
        return False


def is_open_page(method: str, path: str, query: str, headers: Mapping[str, str]) -> bool:
    """Whether a request is for one of MiniStack's pages that need no signature, and carries nothing else.

    :param path: as it was sent.
    """
    return method == "GET" and path in _OPEN_PAGES and not query and "authorization" not in headers


@lru_cache(maxsize=256)
def bucket_of_host(host: str) -> str:
    """The bucket or access point that the host name of an S3 request says; '' when the path says it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    """
    found = _BUCKET_HOST.fullmatch(host.lower())
    return found["bucket"] if found else ""


def ministack_address(path: str, host: str, service: str) -> tuple[str, str] | None:
    """The path and the host name with which MiniStack serves a call as what it is signed for, and as nothing else: it
    takes a host name for that of an application, a website or a bucket, whatever the signature is for. None for a host
    name that no AWS client makes.

    :param path: decoded.
    """
    if not host.lower().partition(":")[0].endswith(".localhost"):
        return path, host
    found = _BUCKET_HOST.fullmatch(host.lower()) if service == "s3" else _ONE_NAME_HOST.fullmatch(host.lower())
    if found is None:
        return None
    if service != "s3":  # an operation's own prefix, such as `api.`
        return path, f"localhost{found['port'] or ''}"
    bucket = found["bucket"]
    if _ACCESS_POINT.fullmatch(bucket) or path.startswith("/v20180820/"):
        return path, host.lower()
    return f"/{bucket}{path}", f"localhost{found['port'] or ''}"


def is_one_call(request: Request, service: str) -> bool:
    """Whether a request's headers and path name an operation of the service that it is signed for, and no other: what
    one of lab and MiniStack takes for the call's name, the other may not look at.

    :param service: what the request is signed for.
    """
    if service != "s3" and _is_in_chunks(request.headers):
        return False
    if service == "s3" and not _names_its_bucket(request):
        return False
    target = request.headers.get("x-amz-target")
    is_cbor = "smithy-protocol" in request.headers
    if target is not None:
        is_root = request.path == "/" or (service == "sqs" and QUEUE_PATH.fullmatch(request.path) is not None)
        is_plain = is_root and not request.query and not is_cbor
        return is_plain and _is_of(target.rpartition(".")[0], service)
    found = CBOR_PATH.fullmatch(request.path)
    if is_cbor or (found and service != "s3"):
        is_named = is_cbor and request.headers["smithy-protocol"] == "rpc-v2-cbor"
        return found is not None and is_named and not request.query and _is_of(found["target"], service)
    owners = next((services for start, services in _OWN_PATHS if request.path.startswith(start)), None)
    return owners is None or service in owners


def _names_its_bucket(request: Request) -> bool:
    """Whether a bucket's name ends where the path has its first slash: MiniStack looks for that in the decoded path,
    without the slashes that it begins with.
    """
    if bucket_of_host(request.headers.get("host", "")):
        return True
    start = request.path.removeprefix("/").partition("/")
    return "%2f" not in start[0].lower() and (bool(start[0]) or not start[1])


def _is_in_chunks(headers: Mapping[str, str]) -> bool:
    """Whether MiniStack takes a body for one in S3's signed chunks, which no other service has: it would read another
    text than the lab.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    """
    return (
        headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
        or "aws-chunked" in headers.get("content-encoding", "")
        or "x-amz-decoded-content-length" in headers
    )


def is_read_as_form(request: Request, service: str, *, has_body: bool) -> bool:
    """Whether MiniStack finds the parameters of a call by form where the lab does. Its services of the query protocols
    take every body for a form whatever its type, but only of POST, and some look for an operation in the path; of
    another type CloudWatch reads no query string either.

    :param service: what the request is signed for.
    """
    if not has_forms(service) or "x-amz-target" in request.headers or "smithy-protocol" in request.headers:
        return True
    if request.path.startswith(_PATHS_BESIDE_FORMS):
        return True
    is_plain = request.path == "/" or (service == "sqs" and QUEUE_PATH.fullmatch(request.path) is not None)
    if has_body and request.method != "POST":
        return False
    return is_plain and (request.is_form() or not (has_body or request.headers.get("content-type")))


@lru_cache(maxsize=512)
def has_forms(service: str) -> bool:
    """Whether calls that are signed for a service may be HTML forms."""
    return any(each.has_forms for each in catalogue.by_signing_name(service))


def has_one_value_of_each(request: Request, body: bytes | bytearray) -> bool:
    """Whether a call by form has each field once, in its query string and its body together: of two values the lab
    would take one for the call's, and MiniStack may take the other.

    :param body: not compressed.
    """
    text = f"{request.query}&{body.decode('utf-8', 'replace')}" if request.is_form() else request.query
    names = [unquote_plus(each.partition("=")[0]) for each in text.split("&") if each]
    # Without an action it is a call by path, whose query string may have lists, whatever its Content-Type says.
    return "Action" not in names or len(names) == len(set(names))


def _is_of(target_prefix: str, service: str) -> bool:
    return any(service == each.signing_name for each in catalogue.by_target_prefix(target_prefix))


def is_a_call(path: str, service: str) -> bool:
    """Whether MiniStack serves a path as a call of an API of AWS.

    :param path: as MiniStack sees it, decoded.
    :param service: what the request is signed for.
    """
    if _TABLES.fullmatch(path):
        return service in _TABLE_SERVICES
    return path.startswith("/") and not _NO_CALLS.fullmatch(path)
