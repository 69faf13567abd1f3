"""The parts of docs/lab/ and their goals: what is true when a part is done, and where to look while it is not."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lab.guide.evidence import Evidence


class State(StrEnum):
    """Of a goal. What could not be read is neither done nor missing."""

    DONE = "done"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal of a part.

    :param text: what is true when it is reached. It names no command.
    :param hint: where to look.
    :param judge: whether it is reached.
    """

    text: str
    hint: str
    judge: Callable[[Evidence], State]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of docs/lab/, of which `page` is the file."""

    number: int
    title: str
    page: str
    goals: tuple[Goal, ...]


def _if(condition: bool) -> State:  # noqa: FBT001 - the one thing that it is about
    return State.DONE if condition else State.MISSING


def _passes(*checks: str) -> Callable[[Evidence], State]:
    """A goal that is checks of `verify check`, by their ids."""

    def judge(evidence: Evidence) -> State:
        found = {evidence.status(check) for check in checks}
        return State.UNKNOWN if "UNKNOWN" in found else _if(found == {"PASS"})

    return judge


def _everything_passes(evidence: Evidence) -> State:
    states = {"PASS": State.DONE, "FAIL": State.MISSING}
    return states.get(evidence.check()["status"], State.UNKNOWN)


def _is_gone(check: str) -> Callable[[Evidence], State]:
    """A goal that is the absence of what a check looks for."""

    def judge(evidence: Evidence) -> State:
        status = evidence.status(check)
        return State.UNKNOWN if status == "UNKNOWN" else _if(status == "FAIL")

    return judge


def _called(*names: str) -> Callable[[Evidence], State]:
    """A goal that is calls which the event history holds, and which did not fail."""
    return lambda evidence: _if(set(names) <= evidence.calls())


def _key_will_be_deleted(evidence: Evidence) -> State:
    # The verifier finds the key by its alias, and a key without one, or one that is disabled, is still there.
    gone = _is_gone("key_exists")(evidence)
    return _called("ScheduleKeyDeletion")(evidence) if gone is State.DONE else gone


def _scored(evidence: Evidence) -> State:
    low, high = evidence.score()
    return State.DONE if low >= _LEAST_SCORE else State.MISSING if high < _LEAST_SCORE else State.UNKNOWN


def _is_from_the_stack(evidence: Evidence) -> State:
    return _if(str(evidence.check()["target"]["meant_by"]).startswith("stack "))


_LEAST_SCORE = 40

_KEY = (
    Goal(
        "The alias alias/ch03-cloudtrail-key leads to an enabled key of your own.",
        "A key has no name, only an id; an alias is a name for it. kms list-aliases shows them, kms describe-key the "
        "state of the key.",
        _passes("key_exists"),
    ),
    Goal(
        "KMS gives the key new material every year.",
        "kms get-key-rotation-status shows it. KMS has a call that turns it on.",
        _passes("key_rotates"),
    ),
    Goal(
        "CloudTrail may encrypt with the key.",
        "kms get-key-policy shows who may do what with the key. CloudTrail is a service, so it stands under Principal "
        "as Service. It needs a data key for each log file.",
        _passes("key_policy_lets_cloudtrail_in"),
    ),
    Goal(
        "CloudTrail may do so for this one trail.",
        "Anybody can make a trail in their own account and name your key. A condition in the key's policy compares the "
        "trail that CloudTrail works for (aws:SourceArn).",
        _passes("key_policy_lets_cloudtrail_in", "key_policy_names_the_trail"),
    ),
)
_BUCKET = (
    Goal(
        "The bucket ch03-cloudtrail-ACCOUNT exists.",
        "ACCOUNT is your account's number: sts get-caller-identity shows it.",
        _passes("log_bucket_exists"),
    ),
    Goal(
        "Nobody can make the bucket public.",
        "There are four settings, and all of them have to be on: s3api get-public-access-block.",
        _passes("log_bucket_blocks_public_access"),
    ),
    Goal(
        "The bucket keeps what is overwritten or deleted.",
        "s3api get-bucket-versioning shows it. A new bucket answers nothing.",
        _passes("log_bucket_is_versioned"),
    ),
    Goal(
        "The bucket encrypts with your key.",
        "s3api get-bucket-encryption shows the algorithm and the key. A new bucket uses a key of S3's own (AES256).",
        _passes("log_bucket_encrypts_with_the_key"),
    ),
    Goal(
        "CloudTrail may write log files into the bucket.",
        "s3api get-bucket-policy shows the policy. CloudTrail makes two calls: it reads the bucket's access control "
        "list, and it puts objects below AWSLogs/ACCOUNT/.",
        _passes("bucket_policy_lets_cloudtrail_in"),
    ),
    Goal(
        "CloudTrail may do so for this one trail.",
        "As with the key: a condition about the trail, in each statement for CloudTrail.",
        _passes("bucket_policy_lets_cloudtrail_in", "bucket_policy_names_the_trail"),
    ),
    Goal(
        "Whoever does not use TLS is refused.",
        "This takes a statement that denies, for everybody, for the bucket and for all that is in it.",
        _passes("log_bucket_requires_tls"),
    ),
)
_TRAIL = (
    Goal(
        "There is a trail called ch03-security-trail.",
        "If the call is refused: the error says whether the bucket or the key is in the way. See parts 1 and 2.",
        _passes("trail_exists"),
    ),
    Goal(
        "It records every region.",
        "cloudtrail describe-trails shows IsMultiRegionTrail. A trail can be changed afterwards.",
        _passes("trail_is_multi_region"),
    ),
    Goal(
        "It records the calls of global services, such as IAM.",
        "cloudtrail describe-trails shows IncludeGlobalServiceEvents, get-event-selectors what else is left out.",
        _passes("trail_records_all_management_events"),
    ),
    Goal(
        "CloudTrail signs what it delivers.",
        "cloudtrail describe-trails shows LogFileValidationEnabled.",
        _passes("trail_validates_log_files"),
    ),
    Goal(
        "Its log files are encrypted with your key.",
        "cloudtrail describe-trails shows KmsKeyId.",
        _passes("trail_uses_the_key"),
    ),
    Goal(
        "It delivers to your bucket.",
        "cloudtrail describe-trails shows S3BucketName.",
        _passes("trail_uses_the_bucket"),
    ),
    Goal(
        "It is logging.",
        "cloudtrail get-trail-status shows IsLogging. A new trail waits to be told.",
        _passes("trail_is_logging"),
    ),
    Goal(
        "A log file has arrived.",
        "cloudtrail get-trail-status shows when, or the error. In the lab it takes five seconds, and the command that "
        "does not wait is python -m lab deliver.",
        _passes("trail_delivers_without_error"),
    ),
)
_DETECTIVE = (
    Goal(
        "You have listed buckets, instances and users, and the event history has the three calls.",
        "cloudtrail lookup-events has them seconds later (on AWS up to 15 minutes). It shows one region: the calls of "
        "IAM are in us-east-1.",
        _called("ListBuckets", "DescribeInstances", "ListUsers"),
    ),
    Goal(
        "A rule of EventBridge waits for somebody to stop the trail, and has a target.",
        "events list-rules shows rules, events list-targets-by-rule where a rule sends what it catches.",
        _called("PutRule", "PutTargets"),
    ),
    Goal(
        "Somebody has stopped the trail.",
        "Nobody is there to do it but you.",
        _called("StopLogging"),
    ),
    Goal(
        "The trail is logging again.",
        "cloudtrail get-trail-status shows IsLogging.",
        _passes("trail_is_logging"),
    ),
)
_VERIFY = (
    Goal(
        "Every check passes.",
        "python -m verify check names what failed, what it expected and what it found.",
        _everything_passes,
    ),
    Goal(
        f"The account has {_LEAST_SCORE} points at least.",
        "python -m verify score shows which points are missing, and what for. 25 of them are for what the checks ask.",
        _scored,
    ),
)
_TAMPER = (
    Goal(
        "A log file that a digest lists was altered or deleted, and the check of integrity says so.",
        "A digest lists the files that came before it: python -m lab deliver makes one now. Then change a file, and "
        "ask python -m verify integrity.",
        lambda evidence: _if(evidence.number_of_altered() > 0),
    ),
)
_HUNT = (
    Goal(
        "All facts of the hunt capital-one are found.",
        "python -m lab answer capital-one shows the questions. The one that leads to the others: which credentials of "
        "an instance were used at another address than the instance's?",
        lambda evidence: _if(evidence.is_solved("capital-one")),
    ),
)
_CDK = (
    Goal(
        "The trail, its key and its bucket come from the stack SecureTrail.",
        "python -m lab deploy deploys app.py. If something is in the way that was made by hand, begin the part anew.",
        _is_from_the_stack,
    ),
    Goal(
        "Every check passes.",
        "python -m verify check names what failed. Something that was changed by hand since the deployment?",
        _everything_passes,
    ),
)
_CLEAN_UP = (
    Goal("The trail is gone.", "cloudtrail describe-trails shows what is left.", _is_gone("trail_exists")),
    Goal(
        "The bucket is gone.",
        "Only an empty bucket can be deleted, and one with versioning keeps every version: s3api list-object-versions.",
        _is_gone("log_bucket_exists"),
    ),
    Goal(
        "The key will be deleted.",
        "A key is not deleted at once: it waits, for 7 to 30 days. kms describe-key shows its state.",
        _key_will_be_deleted,
    ),
)

PARTS: tuple[Part, ...] = (
    Part(1, "A key", "docs/lab/1-key.md", _KEY),
    Part(2, "A bucket", "docs/lab/2-bucket.md", _BUCKET),
    Part(3, "The trail", "docs/lab/3-trail.md", _TRAIL),
    Part(4, "Find your own calls", "docs/lab/4-detective.md", _DETECTIVE),
    Part(5, "Check and score", "docs/lab/5-check.md", _VERIFY),
    Part(6, "Tamper with a log file, and catch it", "docs/lab/6-tamper.md", _TAMPER),
    Part(7, "A breach, found from the files", "docs/lab/7-breach.md", _HUNT),
    Part(8, "The same in CDK", "docs/lab/8-cdk.md", _CDK),
    Part(9, "What it costs, and how to clean up", "docs/lab/9-clean-up.md", _CLEAN_UP),
)


def judge(part: Part, evidence: Evidence) -> tuple[tuple[Goal, State], ...]:
    """Each goal of a part, and whether it is reached.

    :raises LabError: the verifier did not answer.
    """
    return tuple((goal, goal.judge(evidence)) for goal in part.goals)
