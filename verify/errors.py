"""The errors that the verifier reports.

VerifyError
├── UsageError            the request makes no sense as given            exit 2
│   └── TargetNotFound    the trail, bucket or key that was named is not there
└── CannotLook            AWS could not be asked, or did not answer      exit 3
    ├── AccessDenied      it answered: you may not; names the permission
    ├── ApiError          it answered with an error that may itself be an answer (NoSuchBucket)
    ├── NoCredentials     no, expired or invalid credentials
    └── Unreachable       no network, wrong endpoint, wrong region, throttled out

None of them is ever turned into PASS or into "there is none".
"""

from __future__ import annotations


class VerifyError(Exception):
    """Base of every error that the verifier reports in one line instead of a traceback."""

    exit_code = 3


class UsageError(VerifyError):
    """The arguments cannot be satisfied as given."""

    exit_code = 2


class TargetNotFound(UsageError):
    """A trail, bucket or key that the caller named does not exist."""


class CannotLook(VerifyError):
    """AWS could not be asked or gave no usable answer."""


class AccessDenied(CannotLook):
    """AWS refused the call.

    :param permission: the IAM action that is missing, such as ``cloudtrail:GetTrailStatus``.
    """

    def __init__(self, permission: str, detail: str) -> None:
        super().__init__(f"{permission} is denied: {detail}")
        self.permission = permission


class ApiError(CannotLook):
    """AWS answered with an error code that may itself be an answer (``NoSuchBucket``, ``NotFoundException``).

    :param code: the error code exactly as AWS sent it.
    """

    def __init__(self, code: str, permission: str, message: str) -> None:
        super().__init__(f"{permission} failed with {code or 'no error code'}: {message or 'no message'}")
        self.code = code
        self.permission = permission


class NoCredentials(CannotLook):
    """There are no credentials, or AWS says they are expired or invalid."""


class Unreachable(CannotLook):
    """No answer: network, endpoint, region or throttling."""
