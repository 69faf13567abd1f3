"""AWS's error codes as errors of :mod:`verify.errors`.

https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from verify.errors import AccessDenied, ApiError, CannotLook, NoCredentials, Unreachable

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "Forbidden",
    "403",
}
_BAD_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "AuthFailure",
    "TokenRefreshRequired",
}
_NO_ANSWER = {
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
    "ServiceUnavailable",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
}
# Security Hub's, for an account that has not enabled it and for a caller who may not ask; the message tells them apart.
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_DescribeHub.html
_DENIED_OR_OFF = "InvalidAccessException"
_OFF = ("not subscribed", "not enabled")


def error_for(code: str, message: str, permission: str) -> CannotLook:
    """The error that an answer of AWS amounts to; a code that is none of the usual ones is for the caller to judge.

    :param permission: the IAM action that the call needs.
    """
    is_off = any(words in message.casefold() for words in _OFF)
    if code in _DENIED or (code == _DENIED_OR_OFF and not is_off):
        return AccessDenied(permission, message or code)
    if code in _BAD_CREDENTIALS:
        return NoCredentials(f"AWS does not accept the credentials ({code}): {message}. Sign in again.")
    if code in _NO_ANSWER:
        return Unreachable(f"{permission} was not answered ({code}): {message}")
    return ApiError(code, permission, message)
