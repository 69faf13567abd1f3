"""Whether a request is signed by the key that it names: AWS's signature versions 4, 4A and, for S3, 2.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTAuthentication.html

A signature is over what the service will understand: the query string is decoded as the service decodes it and encoded
anew, so that no other spelling of it can mean something else. Only this machine's real clock counts here; the
lab's own may be behind.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from lab.protocol.request import Request

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

_V4 = "AWS4-HMAC-SHA256"
_V4A = "AWS4-ECDSA-P256-SHA256"
_V2 = "AWS"
# Their paths are signed as they are sent, and their bodies need not be hashed.
S3_SERVICES = frozenset({"s3", "s3-object-lambda", "s3-outposts", "s3express"})

_S3_SKEW_SECONDS = 15 * 60
_SKEW_SECONDS = 5 * 60
_MAX_EXPIRES_SECONDS = 7 * 24 * 60 * 60

_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9]{1,128}")
_SCOPE_PART = re.compile(r"[a-z0-9-]{1,64}")
_PLAIN_PATH = re.compile("[A-Za-z0-9/._~-]*")
_HEX = re.compile(r"[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9]{1,10}")
_V4_TIME = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_HEADER_NAMES = re.compile(r"[!-:<-~]+(;[!-:<-~]+)*")
_FIELD = re.compile(r"\s*(Credential|SignedHeaders|Signature)=([^\s,]+)\s*")
# Query parameters that bring a credential, in any case: who reads them may not look at the case.
_CREDENTIAL_PARAMETERS = frozenset({"x-amz-algorithm", "x-amz-credential", "x-amz-signature", "awsaccesskeyid"})
_STREAMED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_STREAMED_WITH_TRAILER = f"{_STREAMED}-TRAILER"
_UNSIGNED_STREAMED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_SHA256_OF_NOTHING = hashlib.sha256().hexdigest()

# What version 2 signs of a query string, and what it leaves open: where a listing begins and ends.
_V2_SIGNED = """
    accelerate acl analytics cors defaultObjectAcl delete inventory lifecycle location logging metrics notification
    object-lock partNumber policy replication requestPayment response-cache-control response-content-disposition
    response-content-encoding response-content-language response-content-type response-expires restore select
    select-type storageClass tagging torrent uploadId uploads versionId versioning versions website
"""
_V2_OPEN = """
    prefix delimiter marker max-keys encoding-type key-marker version-id-marker upload-id-marker max-uploads max-parts
    part-number-marker list-type continuation-token fetch-owner start-after
"""
_V2_SIGNED_PARAMETERS = frozenset(_V2_SIGNED.split())
_V2_KNOWN_PARAMETERS = _V2_SIGNED_PARAMETERS.union(_V2_OPEN.split(), ("AWSAccessKeyId", "Signature", "Expires"))


class AuthFailure(Enum):
    """Why a request is not authenticated."""

    UNKNOWN_KEY = auto()
    UNSIGNED = auto()
    INCOMPLETE = auto()
    TWO_CREDENTIALS = auto()
    SIGNATURE_MISMATCH = auto()
    HEADERS_NOT_SIGNED = auto()
    PAYLOAD_HASH_MISSING = auto()
    PAYLOAD_HASH_MISMATCH = auto()
    TIME_SKEWED = auto()
    URL_EXPIRED = auto()
    TOKEN_EXPIRED = auto()
    TOKEN_INVALID = auto()
    REGION_UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Key:
    """The secret half of an access key, and for a temporary one its token and when it ends (epoch seconds)."""

    secret: str
    token: str = ""
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says of its own signature. `time` is as it was signed (version 4: `20260101T000000Z`), `moment`
    the same in epoch seconds, `expires_seconds` how long a presigned URL is valid; `region` is '' in versions 2 and 4A.
    """

    algorithm: str
    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: str
    value: str
    time: str
    moment: float
    token: str
    is_presigned: bool
    expires_seconds: float = 0.0

    @property
    def is_for_s3(self) -> bool:
        """Whether the rules of S3 apply."""
        return self.service in S3_SERVICES

    @property
    def scope(self) -> str:
        """The credential scope."""
        parts = (self.date, self.service) if self.algorithm == _V4A else (self.date, self.region, self.service)
        return "/".join((*parts, "aws4_request"))


def signature_of(request: Request) -> Signature | AuthFailure:
    """The signature of a request, read but not verified, with one credential in one place: the Authorization header or
    the query string of a presigned URL.
    """
    authorization = request.headers.get("authorization")
    fields = _fields(request.query)
    brought = [name for name, _ in fields if name.lower() in _CREDENTIAL_PARAMETERS]
    if authorization is not None and brought:
        return AuthFailure.TWO_CREDENTIALS
    if authorization is not None:
        return _in_header(authorization, request)
    if not brought:
        return AuthFailure.UNSIGNED
    if len({name.lower() for name, _ in fields if _is_of_signature(name)}) != sum(
        _is_of_signature(name) for name, _ in fields
    ):
        return AuthFailure.TWO_CREDENTIALS
    given = dict(fields)
    return _in_v2_query(given) if "AWSAccessKeyId" in given else _in_query(given)


def check_head(request: Request, signature: Signature, key: Key | None, bucket: str, now: float) -> AuthFailure | None:
    """What is wrong with a request as far as its head tells; None also when only its body can tell.

    :param key: of the signature's access key id; None when it does not exist.
    :param bucket: that the host name says, for S3; '' when the path says it.
    :param now: this machine's clock (epoch seconds).
    """
    if key is None:
        return AuthFailure.UNKNOWN_KEY
    if failure := _check_time(signature, now) or _check_token(signature, key, now):
        return failure
    if signature.algorithm == _V2:
        return _check_v2(request, signature, key, bucket)
    return _check_signed_headers(request, signature) or _check_v4_head(request, signature, key)


def _check_v4_head(request: Request, signature: Signature, key: Key) -> AuthFailure | None:
    payload = declared_payload(request, signature)
    if payload is None:
        return AuthFailure.PAYLOAD_HASH_MISSING if signature.is_for_s3 else None
    if payload in (_STREAMED, _STREAMED_WITH_TRAILER) and signature.algorithm != _V4:
        return AuthFailure.SIGNATURE_MISMATCH
    known = {_STREAMED, _STREAMED_WITH_TRAILER, _UNSIGNED_STREAMED, UNSIGNED_PAYLOAD} if signature.is_for_s3 else ()
    if payload not in known and not _HEX.fullmatch(payload):
        return AuthFailure.PAYLOAD_HASH_MISMATCH
    return _check_v4(request, signature, key, payload)


def is_head_enough(request: Request, signature: Signature) -> bool:
    """Whether a request that `check_head` finds nothing wrong with is known to be signed by its key, whatever is
    in its body.
    """
    return signature.algorithm == _V2 or declared_payload(request, signature) is not None


def check_body(
    request: Request, signature: Signature, key: Key, sha256: str, body: Callable[[], bytes]
) -> AuthFailure | None:
    """What is wrong with a request when its body is known too, after `check_head` found nothing.

    :param sha256: of the body, in hexadecimal.
    :param body: gives the whole body; called only when its parts are signed.
    """
    if signature.algorithm == _V2:
        return None
    payload = declared_payload(request, signature)
    if payload is None:
        return _check_v4(request, signature, key, sha256)
    if payload in (_STREAMED, _STREAMED_WITH_TRAILER):
        is_right = _chunks_hold(body(), signature, key, has_trailer=payload == _STREAMED_WITH_TRAILER)
        return None if is_right else AuthFailure.SIGNATURE_MISMATCH
    if payload in (UNSIGNED_PAYLOAD, _UNSIGNED_STREAMED):
        return None
    return None if payload == sha256 else AuthFailure.PAYLOAD_HASH_MISMATCH


def declared_payload(request: Request, signature: Signature) -> str | None:
    """What a request says of its body's hash and signs; None when the hash is not sent, but signed all the same."""
    if "x-amz-content-sha256" in request.headers:
        return request.headers["x-amz-content-sha256"]
    if signature.is_presigned and signature.is_for_s3:
        return dict(_fields(request.query)).get("X-Amz-Content-Sha256", UNSIGNED_PAYLOAD)
    return None


def _is_of_signature(name: str) -> bool:
    lower = name.lower()
    return lower in _CREDENTIAL_PARAMETERS or lower in (
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-security-token",
        "x-amz-content-sha256",
        "signature",
        "expires",
    )


def _in_header(authorization: str, request: Request) -> Signature | AuthFailure:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm == _V2:
        return _in_v2_header(rest, request)
    if algorithm not in (_V4, _V4A):
        return AuthFailure.INCOMPLETE
    found = [_FIELD.fullmatch(each) for each in rest.split(",")]
    given = {each[1]: each[2] for each in found if each is not None}
    if len(found) != 3 or len(given) != 3:
        return AuthFailure.INCOMPLETE
    time = request.headers.get("x-amz-date") or _iso(request.headers.get("date", ""))
    token = request.headers.get("x-amz-security-token", "")
    return _v4(algorithm, given["Credential"], given["SignedHeaders"], given["Signature"], time, token, None)


def _in_query(given: Mapping[str, str]) -> Signature | AuthFailure:
    algorithm = given.get("X-Amz-Algorithm", "")
    names = ("X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date", "X-Amz-Expires")
    if algorithm not in (_V4, _V4A) or not all(given.get(name) for name in names):
        return AuthFailure.INCOMPLETE
    credential, headers, value, time, expires = (given[name] for name in names)
    return _v4(algorithm, credential, headers, value, time, given.get("X-Amz-Security-Token", ""), expires)


def _v4(
    algorithm: str, credential: str, headers: str, value: str, time: str, token: str, expires: str | None
) -> Signature | AuthFailure:
    parts = credential.split("/")
    if len(parts) != (4 if algorithm == _V4A else 5) or parts[-1] != "aws4_request":
        return AuthFailure.INCOMPLETE
    access_key_id, date, region, service = parts[:4] if algorithm == _V4 else (*parts[:2], "", parts[2])
    if not _ACCESS_KEY_ID.fullmatch(access_key_id) or not _SCOPE_PART.fullmatch(service):
        return AuthFailure.INCOMPLETE
    if (region and not _SCOPE_PART.fullmatch(region)) or not _HEADER_NAMES.fullmatch(headers):
        return AuthFailure.INCOMPLETE
    moment = _v4_moment(time)
    if moment is None or (expires is not None and not _DIGITS.fullmatch(expires)):
        return AuthFailure.INCOMPLETE
    return Signature(
        algorithm,
        access_key_id,
        date,
        region,
        service,
        headers,
        value,
        time,
        moment,
        token,
        is_presigned=expires is not None,
        expires_seconds=float(expires or 0),
    )


def _in_v2_header(credential: str, request: Request) -> Signature | AuthFailure:
    access_key_id, separator, value = credential.partition(":")
    time = request.headers.get("x-amz-date") or request.headers.get("date", "")
    moment = _rfc_moment(time)
    if not separator or not _ACCESS_KEY_ID.fullmatch(access_key_id) or moment is None:
        return AuthFailure.INCOMPLETE
    token = request.headers.get("x-amz-security-token", "")
    shown = "" if "x-amz-date" in request.headers else time
    return Signature(_V2, access_key_id, "", "", "s3", "", value, shown, moment, token, is_presigned=False)


def _in_v2_query(given: Mapping[str, str]) -> Signature | AuthFailure:
    access_key_id, value, expires = (given.get(name, "") for name in ("AWSAccessKeyId", "Signature", "Expires"))
    if not _ACCESS_KEY_ID.fullmatch(access_key_id) or not value or not _DIGITS.fullmatch(expires):
        return AuthFailure.INCOMPLETE
    token = given.get("x-amz-security-token", "")
    return Signature(_V2, access_key_id, "", "", "s3", "", value, expires, float(expires), token, is_presigned=True)


def _check_time(signature: Signature, now: float) -> AuthFailure | None:
    skew = _S3_SKEW_SECONDS if signature.is_for_s3 else _SKEW_SECONDS
    if signature.is_presigned and signature.algorithm == _V2:
        return AuthFailure.URL_EXPIRED if now > signature.moment else None
    if signature.algorithm != _V2 and signature.date != signature.time[:8]:
        return AuthFailure.SIGNATURE_MISMATCH
    if signature.moment > now + skew:
        return AuthFailure.TIME_SKEWED
    if not signature.is_presigned:
        return AuthFailure.TIME_SKEWED if signature.moment < now - skew else None
    if not 0 < signature.expires_seconds <= _MAX_EXPIRES_SECONDS:
        return AuthFailure.INCOMPLETE
    return AuthFailure.URL_EXPIRED if now > signature.moment + signature.expires_seconds else None


def _check_token(signature: Signature, key: Key, now: float) -> AuthFailure | None:
    if not hmac.compare_digest(signature.token.encode("latin-1", "replace"), key.token.encode()):
        return AuthFailure.TOKEN_INVALID if signature.token else AuthFailure.UNKNOWN_KEY
    return AuthFailure.TOKEN_EXPIRED if key.expires is not None and now > key.expires else None


def _check_signed_headers(request: Request, signature: Signature) -> AuthFailure | None:
    signed = signature.signed_headers.split(";")
    if "host" not in signed:
        return AuthFailure.HEADERS_NOT_SIGNED
    if any(name.startswith("x-amz-") and name not in signed for name in request.headers):
        return AuthFailure.HEADERS_NOT_SIGNED
    if not signature.is_presigned and "x-amz-date" not in request.headers and "date" not in signed:
        return AuthFailure.HEADERS_NOT_SIGNED
    return None


def _check_v4(request: Request, signature: Signature, key: Key, payload: str) -> AuthFailure | None:
    for path in canonical_paths(request.path, is_for_s3=signature.is_for_s3):
        text = _string_to_sign(request, path, signature, payload)
        if signature.algorithm == _V4A:
            is_right = _is_v4a_signed(signature.access_key_id, key.secret, text, signature.value)
        else:
            made = hmac.digest(_signing_key(key.secret, signature), text, hashlib.sha256).hex()
            is_right = hmac.compare_digest(made.encode(), signature.value.encode("latin-1", "replace"))
        if is_right:
            return None
    return AuthFailure.SIGNATURE_MISMATCH


def _string_to_sign(request: Request, path: str, signature: Signature, payload: str) -> bytes:
    names = signature.signed_headers.split(";")
    headers = "".join(f"{name}:{_trimmed(request.headers.get(name, ''))}\n" for name in names)
    query = canonical_query(request.query)
    canonical = f"{request.method}\n{path}\n{query}\n{headers}\n{signature.signed_headers}\n{payload}"
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    return f"{signature.algorithm}\n{signature.time}\n{signature.scope}\n{digest}".encode("latin-1")


def canonical_paths(path: str, *, is_for_s3: bool) -> tuple[str, ...]:
    """The ways in which a path may be signed: S3's as it is sent, or encoded as AWS says whatever was sent; the others'
    without empty and dotted parts and encoded twice.
    """
    if not is_for_s3:
        return ("/" if path == "/" else quote(_without_dots(path), safe="/~"),)
    encoded = path if _PLAIN_PATH.fullmatch(path) else quote(unquote_to_bytes(path), safe="/~")
    return (path,) if encoded == path else (path, encoded)


def canonical_query(query: str) -> str:
    """A query string as it is signed: sorted, every name with a value, without the signature itself."""
    if not query:
        return ""
    pairs = [
        (name, value)
        for name, value in (each.partition("=")[::2] for each in query.split("&") if each)
        if name != "X-Amz-Signature"
    ]
    encoded = sorted((_encoded_again(name), _encoded_again(value)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _encoded_again(text: str) -> str:
    """A + means a blank in a query string."""
    return quote(unquote_to_bytes(text.replace("+", " ")), safe="~")


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def _trimmed(value: str) -> str:
    return re.sub(" +", " ", value.strip(" ")) if "  " in value else value.strip(" ")


def _signing_key(secret: str, signature: Signature) -> bytes:
    return _derived_key(secret, signature.date, signature.region, signature.service)


@lru_cache(maxsize=256)
def _derived_key(secret: str, *scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.digest(key, part.encode("latin-1"), hashlib.sha256)
    return key


def _chunks_hold(body: bytes, signature: Signature, key: Key, *, has_trailer: bool) -> bool:
    """Whether every chunk of an upload is signed, each over the signature of the one before.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
    """
    signing_key = _signing_key(key.secret, signature)

    def is_next(kind: str, previous: str, content: str, given: str) -> bool:
        text = f"{_V4}-{kind}\n{signature.time}\n{signature.scope}\n{previous}\n{content}"
        made = hmac.digest(signing_key, text.encode("latin-1"), hashlib.sha256).hex()
        return hmac.compare_digest(made.encode(), given.encode())

    previous, position = signature.value, 0
    while True:
        end = body.find(b"\r\n", position)
        size_text, _, given = body[position:end].decode("latin-1").partition(";chunk-signature=")
        if end < 0 or not re.fullmatch("[0-9a-fA-F]{1,16}", size_text):
            return False
        size = int(size_text, 16)
        chunk = memoryview(body)[end + 2 : end + 2 + size]
        if not is_next("PAYLOAD", previous, f"{_SHA256_OF_NOTHING}\n{hashlib.sha256(chunk).hexdigest()}", given):
            return False
        previous, position = given, end + 2 + size
        if size == 0:
            break
        if body[position : position + 2] != b"\r\n":
            return False
        position += 2
    lines = [line.strip(b"\n") for line in body[position:].split(b"\r\n") if line.strip(b"\n")]
    if not has_trailer:
        return not lines
    *trailers, last = lines or [b""]
    content = hashlib.sha256(b"".join(line + b"\n" for line in trailers)).hexdigest()
    name, _, given_trailer = last.decode("latin-1").partition(":")
    return name == "x-amz-trailer-signature" and is_next("TRAILER", previous, content, given_trailer)


def _is_v4a_signed(access_key_id: str, secret: str, text: bytes, value: str) -> bool:
    try:
        _v4a_key(access_key_id, secret).verify(bytes.fromhex(value), text, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=64)
def _v4a_key(access_key_id: str, secret: str) -> ec.EllipticCurvePublicKey:
    """The public half of the key pair that version 4A derives from an access key (NIST SP 800-108, counter mode)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for counter in range(1, 255):
        label = b"\0\0\0\1" + _V4A.encode() + b"\0" + access_key_id.encode() + bytes([counter]) + b"\0\0\1\0"
        candidate = int.from_bytes(hmac.digest(f"AWS4A{secret}".encode(), label, hashlib.sha256), "big")
        if candidate <= order - 2:
            return ec.derive_private_key(candidate + 1, ec.SECP256R1()).public_key()
    raise ValueError("no key pair follows from this secret")


def _check_v2(request: Request, signature: Signature, key: Key, bucket: str) -> AuthFailure | None:
    fields = _fields(request.query)
    hoisted = {name.lower(): value for name, value in fields if _is_hoisted(name)} if signature.is_presigned else {}
    if any(name not in _V2_KNOWN_PARAMETERS and name.lower() not in hoisted for name, _ in fields):
        return AuthFailure.SIGNATURE_MISMATCH
    headers = {**request.headers, **hoisted}
    amz = "".join(f"{name}:{_trimmed(headers[name])}\n" for name in sorted(headers) if name.startswith("x-amz-"))
    sub = sorted((name, value) for name, value in fields if name in _V2_SIGNED_PARAMETERS)
    query = "&".join(f"{name}={value}" if value else name for name, value in sub)
    resource = f"{'/' + bucket if bucket else ''}{request.path}{'?' + query if query else ''}"
    lines = (request.method, headers.get("content-md5", ""), headers.get("content-type", ""), signature.time)
    text = "\n".join((*lines, f"{amz}{resource}"))
    made = base64.b64encode(hmac.digest(key.secret.encode(), text.encode("utf-8", "replace"), hashlib.sha1))
    return (
        None
        if hmac.compare_digest(made, signature.value.encode("utf-8", "replace"))
        else AuthFailure.SIGNATURE_MISMATCH
    )


def _is_hoisted(name: str) -> bool:
    """Whether a parameter of a URL stands for a header."""
    lower = name.lower()
    return lower.startswith("x-amz-") or lower in ("content-md5", "content-type")


def _fields(query: str) -> list[tuple[str, str]]:
    if not query:
        return []
    pairs = (each.partition("=")[::2] for each in query.split("&") if each)
    return [(_plain(name), _plain(value)) for name, value in pairs]


def _plain(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


def _iso(date: str) -> str:
    moment = _rfc_moment(date)
    return "" if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")


def _rfc_moment(date: str) -> float | None:
    """Epoch seconds of a date of HTTP (https://www.rfc-editor.org/rfc/rfc9110#name-date-time-formats), or None."""
    if _V4_TIME.fullmatch(date):
        return _v4_moment(date)
    try:
        return parsedate_to_datetime(date).astimezone(UTC).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


@lru_cache(maxsize=64)  # calls come in the same second
def _v4_moment(time: str) -> float | None:
    """Epoch seconds of a time as version 4 writes it, or None."""
    try:
        found = datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if _V4_TIME.fullmatch(time) else None
    except ValueError:
        return None
    return found.timestamp() if found else None
