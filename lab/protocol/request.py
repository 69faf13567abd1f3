"""An HTTP request as it came over the wire, and who signed it for which service."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

FORM_TYPE = "application/x-www-form-urlencoded"

_AUTHORIZATION = re.compile(r"Credential=(?P<credential>[^\s,]+)")


@dataclass(frozen=True, slots=True)
class Request:
    """`path` and `query` are still percent-encoded; header names are lower case; `body` may be cut (`body_is_cut`)."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    body_is_cut: bool = False
    # Who signed it, where that is known already.
    scope: "CredentialScope | None" = None

    def query_fields(self) -> dict[str, list[str]]:
        """The query string, decoded; a name without value has the value ''."""
        return parse_qs(self.query, keep_blank_values=True) if self.query else {}

    def is_form(self) -> bool:
        """Whether the body is an HTML form, as in the query and ec2 protocols."""
        return is_form_type(self.headers.get("content-type", ""))


@lru_cache(maxsize=64)
def is_form_type(content_type: str) -> bool:
    """Whether a Content-Type is that of an HTML form; case means nothing in it
    (https://www.rfc-editor.org/rfc/rfc9110#name-media-type).
    """
    return content_type.partition(";")[0].strip().lower() == FORM_TYPE


class Headers(dict[str, str]):
    """Headers by lower-case name, found by a name in any case; botocore's own such class costs ten times as much."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a header."""
        return super().get(name.lower(), default)


@dataclass(frozen=True, slots=True)
class CredentialScope:
    """What a signature says in clear: the access key, and the region and service it was made for ('' when unknown).

    https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
    """

    access_key_id: str
    region: str
    service: str


def credential_scope(request: Request) -> CredentialScope | None:
    """The scope of a signed request (header, presigned URL, or the old S3 signature); None when it is not signed. The
    gateway works it out once, and what comes after it gets it with the request.
    """
    if request.scope is not None:
        return request.scope
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("AWS "):
        return CredentialScope(authorization.removeprefix("AWS ").split(":")[0], "", "s3")
    found = _AUTHORIZATION.search(authorization)
    if found:
        return _parse(found["credential"])
    fields = request.query_fields()
    if "X-Amz-Credential" in fields:
        return _parse(fields["X-Amz-Credential"][0])
    if "AWSAccessKeyId" in fields and "Signature" in fields:
        return CredentialScope(fields["AWSAccessKeyId"][0], "", "s3")
    return None


@lru_cache(maxsize=1024)  # a key signs for one service all day
def _parse(credential: str) -> CredentialScope | None:
    match credential.split("/"):
        case [key, _date, region, service, "aws4_request"]:
            return CredentialScope(key, region, service)
        case [key, _date, service, "aws4_request"]:  # the asymmetric signature names no region
            return CredentialScope(key, "", service)
        case _:
            return None
