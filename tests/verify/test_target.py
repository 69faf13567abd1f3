"""Where the target comes from: options, then the stack's outputs, then the default names, then the trail itself."""

from contextlib import ExitStack
from typing import Any

import pytest

from tests.verify.posture.healthy import ACCOUNT, ALIAS, BUCKET, KEY_ARN, TRAIL_ARN
from tests.verify.simulation.stubbed import answers, offline
from verify.errors import TargetNotFound, UsageError
from verify.fact import Denied, Missing, Value
from verify.target import Target, TargetKey, TargetOptions, resolve

pytestmark = pytest.mark.usefixtures("clean_aws_environment")

CALLER = {"Account": ACCOUNT, "Arn": "arn:aws:iam::123456789012:user/u", "UserId": "u"}
OTHER_ARN = TRAIL_ARN.replace("ch03-security-trail", "other")
OUTPUTS = {
    "TrailArn": TRAIL_ARN,
    "TrailName": "ch03-security-trail",
    "LogBucketName": "stack-bucket",
    "KeyArn": KEY_ARN,
    "KeyAlias": "alias/stack-key",
    "TrailConsoleUrl": "https://console",
}
NO_STACK = "ValidationError: Stack with id SecureTrail does not exist"


def deployed(name: str = "ch03-security-trail", **changes: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "TrailARN": TRAIL_ARN.replace("ch03-security-trail", name),
        "HomeRegion": "us-east-1",
        "S3BucketName": "trail-bucket",
        "KmsKeyId": KEY_ARN,
        "IsMultiRegionTrail": True,
    } | changes


def resolved(
    monkeypatch: pytest.MonkeyPatch,
    options: TargetOptions,
    *,
    stack: dict[str, str] | str = NO_STACK,
    trails: list[dict[str, Any]] | str = "",
    caller: dict[str, Any] | str = "",
    region: str = "us-east-1",
) -> Target:
    aws = offline(monkeypatch)
    outputs = stack if isinstance(stack, str) else {
        "Stacks": [
            {
                "StackName": "SecureTrail",
                "CreationTime": 0,
                "StackStatus": "CREATE_COMPLETE",
                "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in stack.items()],
            }
        ]
    }  # fmt: skip
    found = trails if isinstance(trails, str) and trails else {"trailList": trails or []}
    with ExitStack() as stubs:
        stubs.enter_context(answers(aws, "sts", "get_caller_identity", caller or CALLER))
        stubs.enter_context(answers(aws, "cloudformation", "describe_stacks", outputs))
        stubs.enter_context(answers(aws, "cloudtrail", "describe_trails", found, region))
        return resolve(aws, options)


def bucket_and_key(target: Target) -> tuple[object, object]:
    return target.bucket, target.key


def test_without_options_and_a_stack_the_target_has_the_labs_names(monkeypatch: pytest.MonkeyPatch) -> None:
    target = resolved(monkeypatch, TargetOptions())
    assert bucket_and_key(target) == (Value(BUCKET), Value(TargetKey(ALIAS)))
    assert target.trail_arn == Value(TRAIL_ARN)
    assert target.trail == Missing("there is no trail ch03-security-trail in us-east-1; trails there: none")
    assert (target.source, target.notices) == ("the defaults", ())


def test_a_stacks_outputs_name_the_target_whatever_the_trail_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    target = resolved(monkeypatch, TargetOptions(), stack=OUTPUTS, trails=[deployed()])
    assert bucket_and_key(target) == (Value("stack-bucket"), Value(TargetKey("alias/stack-key", KEY_ARN)))
    assert target.source == "stack SecureTrail"


def test_a_stack_names_bucket_and_key_for_its_own_trail_only(monkeypatch: pytest.MonkeyPatch) -> None:
    options = TargetOptions(trail="other", stack="SecureTrail")
    target = resolved(monkeypatch, options, stack=OUTPUTS, trails=[deployed(), deployed("other")])
    assert bucket_and_key(target) == (Value("trail-bucket"), Value(TargetKey(KEY_ARN)))
    assert target.source == "the trail itself"
    assert TRAIL_ARN in target.notices[0]


def test_a_trail_of_the_stack_that_was_deleted_is_still_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    target = resolved(monkeypatch, TargetOptions(), stack=OUTPUTS)
    assert isinstance(target.trail, Missing)
    assert target.bucket == Value("stack-bucket")


def test_options_come_before_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    options = TargetOptions(trail=TRAIL_ARN, bucket="b", key="1234")
    target = resolved(monkeypatch, options, stack=OUTPUTS, trails=[deployed()])
    assert bucket_and_key(target) == (Value("b"), Value(TargetKey("1234")))


def test_another_trail_names_its_own_bucket_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    target = resolved(monkeypatch, TargetOptions(trail="other"), trails=[deployed("other", KmsKeyId="")])
    assert bucket_and_key(target) == (Value("trail-bucket"), Missing("trail other has no key"))


def test_a_trail_in_its_home_region_comes_before_a_shadow_of_the_same_name(monkeypatch: pytest.MonkeyPatch) -> None:
    shadow = deployed(HomeRegion="eu-west-1", TrailARN=TRAIL_ARN.replace("us-east-1", "eu-west-1"))
    here = resolved(monkeypatch, TargetOptions(), trails=[shadow, deployed()])
    assert (here.region, here.trail_arn) == ("us-east-1", Value(TRAIL_ARN))
    there = resolved(monkeypatch, TargetOptions(), trails=[shadow])
    assert (there.region, there.trail_arn) == ("eu-west-1", Value(shadow["TrailARN"]))
    assert there.notices == ("Asked in us-east-1; the trail's home region is eu-west-1.",)


def test_an_arn_leads_to_the_trails_own_region(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = TRAIL_ARN.replace("us-east-1", "eu-west-1")
    trails = [deployed(HomeRegion="eu-west-1", TrailARN=arn)]
    assert resolved(monkeypatch, TargetOptions(trail=arn), trails=trails, region="eu-west-1").region == "eu-west-1"


def test_a_named_trail_that_does_not_exist_names_those_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TargetNotFound, match=r"no trail nope in us-east-1; trails there: a, b\..*--trail"):
        resolved(monkeypatch, TargetOptions(trail="nope"), trails=[deployed("b"), deployed("a")])


def test_a_named_stack_that_does_not_exist_is_an_error_and_the_default_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(TargetNotFound, match="no stack mine in us-east-1"):
        resolved(monkeypatch, TargetOptions(stack="mine"))


@pytest.mark.parametrize(
    ("stack", "words"),
    [
        ("AccessDenied", "cloudformation:DescribeStacks is denied"),
        ("ThrottlingException", "not answered"),
        ("ValidationError: Value 'a_b' at 'stackName' failed to satisfy constraint", "failed to satisfy constraint"),
        ({**OUTPUTS, "TrailArn": "no arn"}, "not documented"),
    ],
)
def test_unreadable_outputs_are_a_notice_and_the_next_source_counts(
    monkeypatch: pytest.MonkeyPatch, stack: dict[str, str] | str, words: str
) -> None:
    target = resolved(monkeypatch, TargetOptions(), stack=stack, trails=[deployed()])
    assert words in target.notices[0]
    assert target.source == "the defaults"


def test_a_stack_name_that_aws_does_not_understand_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    target = resolved(monkeypatch, TargetOptions(stack="mine"), stack="ValidationError: 1 validation error detected")
    assert "1 validation error detected" in target.notices[0]


def test_a_trail_that_nobody_may_see_is_denied_and_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    target = resolved(monkeypatch, TargetOptions(trail="mine"), trails="AccessDeniedException")
    denied = Denied("cloudtrail:DescribeTrails")
    assert (target.trail, *bucket_and_key(target)) == (denied, denied, denied)


def test_without_knowing_the_account_the_labs_bucket_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    target = resolved(monkeypatch, TargetOptions(), caller="AccessDenied")
    assert bucket_and_key(target) == (Denied("sts:GetCallerIdentity"), Value(TargetKey(ALIAS)))


@pytest.mark.parametrize(
    "options",
    [
        TargetOptions(trail="arn:aws:cloudtrail"),
        TargetOptions(trail="arn:aws:s3:::bucket"),
        TargetOptions(trail="arn:aws:cloudtrail:us-east-1:1:eventdatastore/x"),
        TargetOptions(key="arn:aws:s3:::bucket"),
        TargetOptions(key="arn:aws"),
    ],
)
def test_an_arn_of_something_else_is_refused(monkeypatch: pytest.MonkeyPatch, options: TargetOptions) -> None:
    with pytest.raises(UsageError, match=r"--(trail|key)"):
        resolve(offline(monkeypatch), options)
