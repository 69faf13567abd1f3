"""Requests to a bucket by everybody, over plain HTTP or one version of TLS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from verify.policy.document import Patterns, Statement
from verify.policy.evaluation import EVERYBODY, Request
from verify.policy.probes import ANYTHING, filled
from verify.policy.wildcard import matches

_ON_BUCKET = ("s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketPolicy", "s3:PutBucketPolicy")
_ON_OBJECT = ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion")
# Two folders and two kinds of files, so that a Deny for one of them is not taken for a Deny for all.
_KEYS = ("AWSLogs/log.json.gz", "elsewhere/log.json.gz", "AWSLogs/readme", ANYTHING)


def requests_by_everybody(
    partition: str, bucket: str, statements: tuple[Statement, ...], *, is_tls: bool, version: str | None
) -> Iterator[Request]:
    """Reading and writing, and all else that one may do with a bucket.

    :param statements: the policy, because whatever it makes an exception of is asked for too.
    :param is_tls: what ``aws:SecureTransport`` says.
    :param version: the version of TLS, such as ``1.1``; ``None`` for a request that has none.
    """
    context = {"aws:securetransport": (str(is_tls).lower(),), "s3:tlsversion": (version,) if version else ()}
    bucket_arn = f"arn:{partition}:s3:::{bucket}"
    left_out = filter(None, map(_s3_action, _left_out(statement.actions for statement in statements)))
    anything = (*left_out, f"s3:{ANYTHING}")
    # Only what comes after the bucket: every object of this bucket has to be closed anyway.
    keys = [filled(pattern.partition("/")[2] or pattern) for pattern in _left_out(s.resources for s in statements)]
    for action in (*_ON_BUCKET, *anything):
        yield Request(EVERYBODY, action, bucket_arn, context)
    for action in (*_ON_OBJECT, *anything):
        for key in dict.fromkeys((*_KEYS, *keys)):
            yield Request(EVERYBODY, action, f"{bucket_arn}/{key}", context)


def _s3_action(pattern: str) -> str | None:
    """An action of S3 that the pattern matches."""
    service, colon, name = pattern.partition(":")
    if not colon:
        return f"s3:{filled(pattern)}"
    return f"s3:{filled(name)}" if matches(service, "s3", ignore_case=True).is_true else None


def _left_out(selections: Iterable[Patterns]) -> tuple[str, ...]:
    """What ``NotAction`` or ``NotResource`` names."""
    return tuple(
        dict.fromkeys(pattern for selection in selections if selection.excludes for pattern in selection.patterns)
    )
