"""Wrong names, prefixes and combinations are refused at synth, with what, got, allowed and fix."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from constructs_lib import SecureTrail
from constructs_lib.validation import naming
from tests.cdk.conftest import Synthesize, new_app, only

WRONG_TRAIL_NAMES = [
    "",
    "ab",
    "a" * 129,
    "-trail",
    "trail-",
    "my--trail",
    "my-.trail",
    "my trail",
    "träil",
    "192.168.5.4",
]
RIGHT_TRAIL_NAMES = ["abc", "a" * 128, "a.b-c_d", "ch03-security-trail", "1.2.3"]
WRONG_BUCKET_NAMES = [
    "",
    "ab",
    "a" * 64,
    "Logs",
    "logs_",
    "-logs",
    "logs-",
    "lo..gs",
    "10.0.0.1",
    "xn--logs",
    "sthree-x",
]
WRONG_ALIASES = ["", "key", "alias/", "alias/aws/key", "alias/my key", "alias/my.key", "alias/" + "k" * 251]
WRONG_PREFIXES = ["", "/", "/audit", "audit/", "a//b", "a*", "a b", "${aws:username}", "p" * 201]


@pytest.mark.parametrize("name", RIGHT_TRAIL_NAMES)
def test_cloudtrails_own_names_are_accepted(synthesize: Synthesize, name: str) -> None:
    assert only(synthesize(trail_name=name), "AWS::CloudTrail::Trail")["TrailName"] == name


@pytest.mark.parametrize(
    ("prop", "value"),
    [
        *(("trail_name", name) for name in WRONG_TRAIL_NAMES),
        *(("bucket_name", name) for name in WRONG_BUCKET_NAMES),
        *(("key_alias", alias) for alias in WRONG_ALIASES),
        *(("s3_key_prefix", prefix) for prefix in WRONG_PREFIXES),
    ],
)
def test_a_wrong_name_fails_and_says_what_got_allowed_and_fix(stack: cdk.Stack, prop: str, value: str) -> None:
    props: dict[str, Any] = {prop: value}

    with pytest.raises(ValueError) as raised:
        SecureTrail(stack, "SecureTrail", **props)

    message = str(raised.value)
    assert message.startswith(f"{prop} is {value!r}")
    assert "Allowed: " in message
    assert "Fix: " in message


@pytest.mark.parametrize(
    ("existing", "configuring"),
    [
        ("encryption_key", {"key_alias": "alias/mine"}),
        ("encryption_key", {"key_pending_window": cdk.Duration.days(7)}),
        ("log_bucket", {"bucket_name": "my-logs"}),
        ("log_bucket", {"noncurrent_version_expiration": cdk.Duration.days(1)}),
        ("log_bucket", {"access_log_expiration": cdk.Duration.days(1)}),
    ],
)
def test_a_prop_that_configures_a_new_resource_fails_beside_an_existing_one(
    stack: cdk.Stack, existing: str, configuring: dict[str, Any]
) -> None:
    resources = {"encryption_key": kms.Key(stack, "Key"), "log_bucket": s3.Bucket(stack, "Bucket")}
    props: dict[str, Any] = {existing: resources[existing], **configuring}

    with pytest.raises(ValueError, match=f"{next(iter(configuring))} was given together with {existing}.*Fix: "):
        SecureTrail(stack, "SecureTrail", **props)


def test_a_name_known_only_at_deployment_is_left_to_aws(synthesize: Synthesize) -> None:
    account = cdk.Aws.ACCOUNT_ID

    template = synthesize(
        trail_name=f"trail-{account}",
        bucket_name=f"logs-{account}",
        key_alias=f"alias/{account}",
        s3_key_prefix=account,
    )

    assert only(template, "AWS::CloudTrail::Trail")["S3KeyPrefix"] == {"Ref": "AWS::AccountId"}


@pytest.mark.parametrize("construct_id", ["T", "A-very-long-id" * 12, "Ünïcode", "a.b"])
def test_the_default_name_is_always_one_that_cloudtrail_accepts(stack: cdk.Stack, construct_id: str) -> None:
    naming.check_trail_name(SecureTrail(stack, construct_id).trail_name)


def test_the_default_alias_has_no_dots(synthesize: Synthesize) -> None:
    assert only(synthesize(trail_name="audit.prod"), "AWS::KMS::Alias")["AliasName"] == "alias/audit-prod"


HERE = cdk.Environment(account="111122223333", region="eu-central-1")
NEAR = cdk.Environment(account="111122223333", region="eu-west-1")
FAR = cdk.Environment(account="444455556666", region="eu-central-1")
OF_ACCOUNT = f"logs-{cdk.Aws.ACCOUNT_ID}"


@pytest.mark.parametrize("env", [None, HERE])
@pytest.mark.parametrize(
    ("prop", "name"),
    [("trail_name", "recorder"), ("bucket_name", "my-logs"), ("bucket_name", OF_ACCOUNT), ("key_alias", "alias/logs")],
    ids=["trail", "bucket", "bucket of the account", "alias"],
)
def test_two_trails_of_one_environment_never_share_a_name(prop: str, name: str, env: cdk.Environment | None) -> None:
    app = new_app()
    first = cdk.Stack(app, "First", env=env)
    props: dict[str, Any] = {prop: name}
    SecureTrail(first, "SecureTrail", **props)

    for stack in (first, cdk.Stack(app, "Second", env=env)):
        with pytest.raises(ValueError, match=rf"{prop} is .*, which another SecureTrail .*Allowed: .*Fix: "):
            SecureTrail(stack, "Another", **props)


def test_trails_of_other_environments_and_stages_may_share_names() -> None:
    app = new_app()
    places = [
        *(cdk.Stack(app, f"Stack{number}", env=env) for number, env in enumerate((None, HERE, NEAR, FAR))),
        *(cdk.Stack(cdk.Stage(app, stage), "Stack") for stage in ("Test", "Production")),
    ]
    for stack in places:
        SecureTrail(stack, "SecureTrail", trail_name="recorder", key_alias="alias/logs", bucket_name=OF_ACCOUNT)

    stage = cdk.Stage(app, "Again", env=NEAR)
    with pytest.raises(ValueError, match=r"trail_name is 'recorder'"):
        SecureTrail(cdk.Stack(stage, "Stack"), "SecureTrail", trail_name="recorder")


def test_a_buckets_name_is_taken_everywhere() -> None:
    app = new_app()
    SecureTrail(cdk.Stack(app, "First", env=HERE), "SecureTrail", bucket_name="my-logs")

    with pytest.raises(ValueError, match=r"bucket_name is 'my-logs'.*unique everywhere"):
        SecureTrail(cdk.Stack(app, "Second", env=FAR), "SecureTrail", bucket_name="my-logs")
