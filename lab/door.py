"""Who may come in: programs on this machine that know a key of the lab; no web page, whatever the browser.

A browser says whose page a request comes from (https://www.w3.org/TR/fetch-metadata/), and a page can neither guess an
access key nor set an Authorization header without asking first (https://fetch.spec.whatwg.org/#http-cors-protocol).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lab.calls import catalogue
from lab.calls.decode import decode
from lab.calls.error import error_answer
from lab.calls.request import Request, credential_scope
from lab.endpoint import is_loopback
from lab.seams import Answer

_NOT_ACROSS_SITES = ("none", "same-origin")
_LOOPBACK = "//localhost"
_FIX = 'Use the keys of the lab: eval "$(python -m lab env)"'
_INVALID = "The security token included in the request is invalid."
_MISSING = "Request is missing Authentication Token."

# By protocol: what AWS says of an access key that nobody has, and of a request that nobody signed.
_ERRORS = {
    "s3": (
        (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
        (403, "AccessDenied", "Access Denied: the lab takes no unsigned requests."),
    ),
    "ec2": ((401, "AuthFailure", "AWS was not able to validate the provided access credentials."),) * 2,
    "query": ((403, "InvalidClientTokenId", _INVALID), (403, "MissingAuthenticationToken", _MISSING)),
    "rest-xml": ((403, "InvalidClientTokenId", _INVALID), (403, "MissingAuthenticationToken", _MISSING)),
    "rest-json": (
        (403, "UnrecognizedClientException", _INVALID),
        (403, "MissingAuthenticationTokenException", _MISSING),
    ),
}
_OTHER = ((400, "UnrecognizedClientException", _INVALID), (400, "MissingAuthenticationTokenException", _MISSING))


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


def needs_body(request: Request) -> bool:
    """Whether only the body tells if a request may come in: a form without signature."""
    return request.is_form() and credential_scope(request) is None


def refusal(request: Request, user_identity: Mapping[str, Any]) -> Answer | None:
    """The error for a caller whom the lab does not know; None for one who may come in.

    The root of an account is no secret (MiniStack takes the account's number for its key), so it must be in a header,
    which no page can set, and not in an address.

    :param request: with its body when `needs_body`.
    :param user_identity: of the caller, as in a record.
    """
    kind = user_identity["type"]
    if kind == "Root" and "authorization" in request.headers:
        return None
    if kind not in ("Root", "Unknown", "AWSAccount"):
        return None
    is_signed = kind != "AWSAccount"
    if not is_signed and _may_be_unsigned(request):
        return None
    service, protocol = _spoken(request)
    unknown, unsigned = _ERRORS.get("s3" if service == "s3" else protocol, _OTHER)
    status, code, message = unknown if is_signed else unsigned
    return error_answer(service, protocol, status, code, f"{message} {_FIX}")


def _may_be_unsigned(request: Request) -> bool:
    """Whether AWS takes this operation without a signature, as the service model has it: signing in is one."""
    if request.method != "POST" or request.query:
        return False
    if request.is_form():  # a second Action could be the one that is obeyed
        fields = parse_qsl(request.body.decode("utf-8", "replace"))
        if [name for name, _ in fields].count("Action") != 1:
            return False
    call = decode(request)
    if call is None:
        return False
    return call.operation.auth_type == "none" or "smithy.api#noAuth" in (call.operation.auth or ())


def _spoken(request: Request) -> tuple[str, str]:
    """The service and the protocol of a request, without reading its body."""
    scope = credential_scope(request)
    service = scope.service if scope else "s3"
    if request.headers.get("x-amz-target"):
        return "", "json"
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "", "smithy-rpc-v2-cbor"
    if "Action" in request.query_fields() or request.is_form():
        return "", "ec2" if service == "ec2" else "query"
    models = [catalogue.service_model(each.name) for each in catalogue.by_signing_name(service)]
    return service, str(models[0].metadata["protocol"]) if models else "rest-json"
