"""Who may call: requests signed with a key of the lab; the error for every other one, in the protocol of the call."""

from lab.protocol import catalogue
from lab.protocol.answer import CBOR, JAVA_CBOR, Answer, error_answer
from lab.protocol.request import Request, credential_scope
from lab.server.signatures import AuthFailure, Signature

_SHOWN_CHARACTERS = 100
_FIX = 'Use the keys of the lab: eval "$(python -m lab env)"'
_REGION_FIX = "Check its spelling, as in us-east-1, in --region, AWS_REGION or your profile."
_SIGNED_ONLY = "The lab takes signed calls only."
_UNSIGNED = f"Request is missing Authentication Token. {_SIGNED_ONLY}"
_UNSIGNED_S3 = f"Access Denied. {_SIGNED_ONLY}"
_INVALID = "The security token included in the request is invalid."
_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method."
)
_SKEW = "Signature expired or not yet current: the time it was made differs too much from this machine's clock."
_HEADERS = "There were headers present in the request which were not signed."
_PAYLOAD = "The provided 'x-amz-content-sha256' header does not match what was computed."
_HASH_MISSING = "Missing required header for this request: x-amz-content-sha256."
_INCOMPLETE = "The authorization of the request is incomplete or not of a kind that AWS has."
_TOO_OLD = "The security token included in the request is expired."
_URL_EXPIRED = "Request has expired."
_TWO = "Only one auth mechanism allowed; an Authorization header or a signed URL should be specified, once."

_REGION = "Credential should be scoped to a valid Region. The region of the request is none that AWS has."

# Each failure in the words of S3, of the query protocols, EC2, and the JSON protocols (whose names REST shares).
_ErrorText = tuple[int, str, str]
_S3: dict[AuthFailure, _ErrorText] = {
    AuthFailure.UNKNOWN_KEY: (
        403,
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    AuthFailure.UNSIGNED: (403, "AccessDenied", _UNSIGNED_S3),
    AuthFailure.INCOMPLETE: (400, "AuthorizationHeaderMalformed", _INCOMPLETE),
    AuthFailure.TWO_CREDENTIALS: (400, "InvalidArgument", _TWO),
    AuthFailure.SIGNATURE_MISMATCH: (403, "SignatureDoesNotMatch", _SIGNATURE),
    AuthFailure.HEADERS_NOT_SIGNED: (403, "AccessDenied", _HEADERS),
    AuthFailure.PAYLOAD_HASH_MISSING: (400, "InvalidRequest", _HASH_MISSING),
    AuthFailure.PAYLOAD_HASH_MISMATCH: (400, "XAmzContentSHA256Mismatch", _PAYLOAD),
    AuthFailure.TIME_SKEWED: (403, "RequestTimeTooSkewed", _SKEW),
    AuthFailure.URL_EXPIRED: (403, "AccessDenied", _URL_EXPIRED),
    AuthFailure.TOKEN_EXPIRED: (400, "ExpiredToken", "The provided token has expired."),
    AuthFailure.TOKEN_INVALID: (400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
    AuthFailure.REGION_UNKNOWN: (400, "AuthorizationHeaderMalformed", _REGION),
}
_QUERY: dict[AuthFailure, _ErrorText] = {
    AuthFailure.UNKNOWN_KEY: (403, "InvalidClientTokenId", _INVALID),
    AuthFailure.UNSIGNED: (403, "MissingAuthenticationToken", _UNSIGNED),
    AuthFailure.INCOMPLETE: (400, "IncompleteSignature", _INCOMPLETE),
    AuthFailure.TWO_CREDENTIALS: (400, "IncompleteSignature", _TWO),
    AuthFailure.SIGNATURE_MISMATCH: (403, "SignatureDoesNotMatch", _SIGNATURE),
    AuthFailure.HEADERS_NOT_SIGNED: (403, "SignatureDoesNotMatch", _HEADERS),
    AuthFailure.PAYLOAD_HASH_MISSING: (400, "IncompleteSignature", _HASH_MISSING),
    AuthFailure.PAYLOAD_HASH_MISMATCH: (403, "SignatureDoesNotMatch", _PAYLOAD),
    AuthFailure.TIME_SKEWED: (403, "SignatureDoesNotMatch", _SKEW),
    AuthFailure.URL_EXPIRED: (403, "SignatureDoesNotMatch", _URL_EXPIRED),
    AuthFailure.TOKEN_EXPIRED: (403, "ExpiredToken", _TOO_OLD),
    AuthFailure.TOKEN_INVALID: (403, "InvalidClientTokenId", _INVALID),
    AuthFailure.REGION_UNKNOWN: (403, "SignatureDoesNotMatch", _REGION),
}
_AUTH_FAILURE = "AWS was not able to validate the provided access credentials."
_EC2: dict[AuthFailure, _ErrorText] = {
    **dict.fromkeys(AuthFailure, (401, "AuthFailure", _AUTH_FAILURE)),
    AuthFailure.TIME_SKEWED: (400, "RequestExpired", _URL_EXPIRED),
    AuthFailure.URL_EXPIRED: (400, "RequestExpired", _URL_EXPIRED),
    AuthFailure.TOKEN_EXPIRED: (400, "RequestExpired", _URL_EXPIRED),
    AuthFailure.REGION_UNKNOWN: (401, "AuthFailure", _REGION),
}
_JSON: dict[AuthFailure, tuple[str, str]] = {
    AuthFailure.UNKNOWN_KEY: ("UnrecognizedClientException", _INVALID),
    AuthFailure.UNSIGNED: ("MissingAuthenticationTokenException", _UNSIGNED),
    AuthFailure.INCOMPLETE: ("IncompleteSignatureException", _INCOMPLETE),
    AuthFailure.TWO_CREDENTIALS: ("IncompleteSignatureException", _TWO),
    AuthFailure.SIGNATURE_MISMATCH: ("InvalidSignatureException", _SIGNATURE),
    AuthFailure.HEADERS_NOT_SIGNED: ("InvalidSignatureException", _HEADERS),
    AuthFailure.PAYLOAD_HASH_MISSING: ("IncompleteSignatureException", _HASH_MISSING),
    AuthFailure.PAYLOAD_HASH_MISMATCH: ("InvalidSignatureException", _PAYLOAD),
    AuthFailure.TIME_SKEWED: ("InvalidSignatureException", _SKEW),
    AuthFailure.URL_EXPIRED: ("InvalidSignatureException", _URL_EXPIRED),
    AuthFailure.TOKEN_EXPIRED: ("ExpiredTokenException", _TOO_OLD),
    AuthFailure.TOKEN_INVALID: ("UnrecognizedClientException", _INVALID),
    AuthFailure.REGION_UNKNOWN: ("InvalidSignatureException", _REGION),
}


def may_be_decompressed(request: Request, signature: Signature) -> bool:
    """Whether a body may be decompressed: not one that it serves for S3, where the header describes the object."""
    is_for_s3 = signature.service == "s3" and signature.region and "x-amz-target" not in request.headers
    return "gzip" in request.headers.get("content-encoding", "").lower() and not is_for_s3


def authentication_error(request: Request, signature: Signature | None, failure: AuthFailure) -> Answer:
    """The error for a caller who is not authenticated, in the protocol that the request speaks."""
    service, protocol = _service_and_protocol(request, signature)
    if service == "s3":
        status, code, message = _S3[failure]
    elif protocol in ("query", "rest-xml"):
        status, code, message = _QUERY[failure]
    elif protocol == "ec2":
        status, code, message = _EC2[failure]
    else:
        code, message = _JSON[failure]
        status = 403 if protocol == "rest-json" else 400
    fix = _REGION_FIX if failure is AuthFailure.REGION_UNKNOWN else _FIX
    return error_answer(service, protocol, status, code, f"{message} {fix}")


def other_port_error(request: Request, port: int) -> Answer:
    """The error for a request to another port than the lab's.

    :param port: the lab's.
    """
    service, protocol = _service_and_protocol(request, None)
    is_xml = service == "s3" or protocol in ("query", "rest-xml", "ec2")
    message = (
        f"The lab listens on port {port} and takes no request for another one: the Host header is "
        f'{request.headers.get("host", "")!a}. A shell from before finds it by: eval "$(python -m lab env)". A port '
        f"that is forwarded to it must be {port} as well."
    )
    return error_answer(service, protocol, 403, "AccessDenied" if is_xml else "AccessDeniedException", message)


def too_large_error(request: Request, signature: Signature | None, limit_bytes: int) -> Answer:
    """The error for a request whose body is too large, as it is sent or once it is decompressed."""
    service, protocol = _service_and_protocol(request, signature)
    message = f"The body of the request has more than the {limit_bytes:,} bytes that the lab accepts for such a call."
    if service == "s3":
        return error_answer(service, protocol, 400, "EntityTooLarge", message)
    return error_answer(service, protocol, 413, "RequestEntityTooLargeException", message)


def two_calls_error(request: Request, signature: Signature | None) -> Answer:
    """The error for a request that names an operation of a service that it is not signed for, two operations, or two
    values of a field.
    """
    service, protocol = _service_and_protocol(request, signature)
    message = (
        "The path, headers and form of a request must name one operation, of the service that it is signed for, and "
        "each field of a form once. A form is the body of a POST to /, and its Content-Type says so."
    )
    return error_answer(service, protocol, 400, "UnknownOperationException", message)


def unknown_call_error(request: Request, signature: Signature) -> Answer:
    """The error for a call that no model of AWS's services has: its record could not say what it did."""
    service, protocol = _service_and_protocol(request, signature)
    message = (
        f"{request.method} {request.path[:_SHOWN_CHARACTERS]!a} is no call of {signature.service!a} that the lab knows."
        " It carries out none that it could not record. Check the operation's name, its path and the API's version."
    )
    code = "InvalidAction" if protocol in ("ec2", "query") else "UnknownOperationException"
    return error_answer(service, protocol, 400, code, message)


def unknown_field_error(request: Request, signature: Signature | None, field: str) -> Answer:
    """The error for a form with a field that its operation does not have, which MiniStack might go by."""
    service, protocol = _service_and_protocol(request, signature)
    code = "UnknownParameter" if protocol == "ec2" else "InvalidQueryParameter"
    return error_answer(service, protocol, 400, code, f"The parameter {field[:_SHOWN_CHARACTERS]!a} is not recognized")


def busy_error(request: Request, signature: Signature | None) -> Answer:
    """The error for a request that must wait until the lab has done with others; SDKs send it again."""
    service, protocol = _service_and_protocol(request, signature)
    message = "The lab holds as much of requests that are not verified yet as it can. Reduce your request rate."
    return error_answer(service, protocol, 503, "SlowDown", message)


def no_room_error(request: Request, signature: Signature | None, reason: str) -> Answer:
    """The error for a request that is not carried out, since it could not be recorded; SDKs send it again."""
    service, protocol = _service_and_protocol(request, signature)
    code = "ServiceUnavailable" if protocol in ("ec2", "query", "rest-xml") else "ServiceUnavailableException"
    return error_answer(service, protocol, 503, code, reason)


def not_saved_error(request: Request, signature: Signature | None, error: OSError, status: int) -> Answer:
    """The error for a request that could not be recorded, or of which could not be saved what it changed; no SDK sends
    it again.

    :param status: the HTTP status that the service answered with.
    """
    service, protocol = _service_and_protocol(request, signature)
    if status < 400:
        reason = (
            "The call was carried out, but its record may be missing, and a lab that is killed now may forget what it "
            "changed."
        )
    else:
        reason = f"The call failed with HTTP {status}, and its record may be missing."
    return error_answer(service, protocol, 507, "InternalFailure", f"{reason} The lab cannot write: {error}")


def _service_and_protocol(request: Request, signature: Signature | None) -> tuple[str, str]:
    """The service and the protocol of a request, without reading its body."""
    scope = credential_scope(request)
    service = signature.service if signature else scope.service if scope else "s3"
    service = "s3" if service == "s3express" else service
    if request.headers.get("x-amz-target"):
        return "", JAVA_CBOR if "cbor" in request.headers.get("content-type", "") else "json"
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "", CBOR
    if "Action" in request.query_fields() or request.is_form():
        return "", "ec2" if service == "ec2" else "query"
    models = [catalogue.service_model(each.name) for each in catalogue.by_signing_name(service)]
    return service, str(models[0].metadata["protocol"]) if models else "rest-json"
