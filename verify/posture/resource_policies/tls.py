"""Whether the bucket policy denies requests without TLS: pure, from the policy's text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from verify.fact import known
from verify.policy.document import Patterns, Statement, parse_policy
from verify.policy.evaluation import EVERYBODY, Request, decide_each
from verify.policy.probes import ANY_OTHER, probe
from verify.policy.ternary import Ternary, all_of, any_of, reasons_of
from verify.policy.wildcard import matches
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Verdict, failed, passed, unknown

_ON_BUCKET = ("s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketPolicy", "s3:PutBucketPolicy")
_ON_OBJECT = ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion")
# Two folders and two types of files, so that a Deny for one of them is not taken for a Deny for all.
_KEYS = ("AWSLogs/log.json.gz", "elsewhere/log.json.gz", "AWSLogs/readme", ANY_OTHER)
# So many characters the longest of the keys above has.
_MOST_QUESTION_MARKS = 40


def bucket_requires_tls(facts: TrailFacts) -> Verdict:
    """Requests without TLS, or below TLS 1.2, are denied to every principal, on the bucket and all objects."""
    bucket = known(facts.bucket)
    statements = parse_policy(known(facts.bucket_policy))

    def denied(version: str | None, *, is_tls: bool) -> tuple[Ternary, Request | None]:
        partition = facts.target.partition
        requests = _requests_by_everybody(partition, bucket, statements, is_tls=is_tls, version=version)
        return _all_denied(statements, requests)

    plain, not_denied = denied(None, is_tls=False)
    if plain.is_true:
        return passed("requests without TLS are denied")
    # A policy that compares the version alone keeps out plain HTTP if that counts as a version. AWS's documents do not
    # say it, and to IAM a comparison with a key that is not there is not met.
    by_version = all_of(
        denied(version, is_tls=is_tls)[0] for version, is_tls in (("0", False), ("1.0", True), ("1.1", True))
    )
    if by_version.is_true:
        return unknown(
            "requests below TLS 1.2 are denied (s3:TlsVersion), and whether one without TLS is below is not documented:"
            " a Deny where aws:SecureTransport is false leaves no doubt"
        )
    either = any_of((plain, by_version))
    if either.is_true is False:
        return failed(f"requests without TLS are not denied to everybody, such as {not_denied}")
    not_understood = reasons_of([either], about="policy")
    if not_understood:
        return unknown(f"depends on {not_understood}")
    return failed(f"requests without TLS are denied only under a condition on {reasons_of([either], about='key')}")


def _all_denied(statements: tuple[Statement, ...], requests: Iterable[Request]) -> tuple[Ternary, Request | None]:
    """Whether all requests are denied, and the first that certainly is not."""
    answers = []
    for request, decision in decide_each(statements, requests):
        if decision.deny.is_true is False:
            return decision.deny, request
        answers.append(decision.deny)
    return all_of(answers), None


def _requests_by_everybody(
    partition: str, bucket: str, statements: tuple[Statement, ...], *, is_tls: bool, version: str | None
) -> Iterator[Request]:
    """Requests that read and write, and requests for any other action on a bucket.

    :param statements: the policy: what its NotAction and NotResource exclude is requested as well.
    :param is_tls: the value of ``aws:SecureTransport``.
    :param version: the version of TLS, such as ``1.1``; ``None`` for a request that has none.
    """
    context = {"aws:securetransport": (str(is_tls).lower(),), "s3:tlsversion": (version,) if version else ()}
    bucket_arn = f"arn:{partition}:s3:::{bucket}"
    excluded = filter(None, map(_s3_action, _excluded(statement.actions for statement in statements)))
    anything = (*excluded, f"s3:{ANY_OTHER}")
    # Only what comes after the bucket: the Deny must cover every object of this bucket anyway.
    keys = [probe(pattern.partition("/")[2] or pattern) for pattern in _excluded(s.resources for s in statements)]
    # A pattern of several question marks matches only keys that are long enough.
    longest = max((pattern.count("?") for s in statements for pattern in s.resources.patterns), default=0)
    keys += [probe("?" * length) for length in range(1, min(longest, _MOST_QUESTION_MARKS) + 1)]
    for action in (*_ON_BUCKET, *anything):
        yield Request(EVERYBODY, action, bucket_arn, context)
    for action in (*_ON_OBJECT, *anything):
        for key in dict.fromkeys((*_KEYS, *keys)):
            yield Request(EVERYBODY, action, f"{bucket_arn}/{key}", context)


def _s3_action(pattern: str) -> str | None:
    """An action of S3 that the pattern matches."""
    service, colon, name = pattern.partition(":")
    if not colon:
        return f"s3:{probe(pattern)}"
    return f"s3:{probe(name)}" if matches(service, "s3", ignore_case=True).is_true else None


def _excluded(selections: Iterable[Patterns]) -> tuple[str, ...]:
    """What ``NotAction`` or ``NotResource`` names."""
    return tuple(
        dict.fromkeys(pattern for selection in selections if selection.excludes for pattern in selection.patterns)
    )
