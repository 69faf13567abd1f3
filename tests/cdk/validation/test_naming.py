"""Wrong names, prefixes and combinations are refused at synth, with what, got, allowed and fix."""

import contextlib
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import LogReplica, NewBucket, NewKey, SecureTrail
from constructs_lib.validation import naming
from tests.cdk.conftest import Synthesize, new_app, only
from tests.cdk.props import props_of

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
# What the message calls it.
NAMED = {"log_bucket__bucket_name": "bucket_name", "encryption_key__alias": "the key's alias"}
WRONG_PREFIXES = ["", "/", "/audit", "audit/", "a//b", "a*", "a b", "${aws:username}", "p" * 201]


@pytest.mark.parametrize("name", RIGHT_TRAIL_NAMES)
def test_cloudtrails_own_names_are_accepted(synthesize: Synthesize, name: str) -> None:
    assert only(synthesize(trail_name=name), "AWS::CloudTrail::Trail")["TrailName"] == name


@pytest.mark.parametrize(
    ("prop", "value"),
    [
        *(("trail_name", name) for name in WRONG_TRAIL_NAMES),
        *(("log_bucket__bucket_name", name) for name in WRONG_BUCKET_NAMES),
        *(("encryption_key__alias", alias) for alias in WRONG_ALIASES),
        *(("s3_key_prefix", prefix) for prefix in WRONG_PREFIXES),
    ],
)
def test_a_wrong_name_fails_and_says_what_got_allowed_and_fix(stack: cdk.Stack, prop: str, value: str) -> None:
    with pytest.raises(ValueError) as raised:
        SecureTrail(stack, "SecureTrail", **props_of({prop: value}))

    message = str(raised.value)
    assert message.startswith(f"{NAMED.get(prop, prop)} is {value!r}")
    assert "Allowed: " in message
    assert "Fix: " in message


def test_a_name_known_only_at_deployment_is_left_to_aws(synthesize: Synthesize) -> None:
    account = cdk.Aws.ACCOUNT_ID

    template = synthesize(
        trail_name=f"trail-{account}",
        log_bucket=NewBucket(bucket_name=f"logs-{account}"),
        encryption_key=NewKey(alias=f"alias/{account}"),
        s3_key_prefix=account,
    )

    assert only(template, "AWS::CloudTrail::Trail")["S3KeyPrefix"] == {"Ref": "AWS::AccountId"}


@pytest.mark.parametrize("construct_id", ["T", "A-very-long-id" * 12, "Ünïcode", "a.b"])
def test_the_default_name_is_always_one_that_cloudtrail_accepts(stack: cdk.Stack, construct_id: str) -> None:
    naming.check_trail_name(SecureTrail(stack, construct_id).trail_name)


def test_the_default_alias_has_no_dots(synthesize: Synthesize) -> None:
    assert only(synthesize(trail_name="audit.prod"), "AWS::KMS::Alias")["AliasName"] == "alias/audit-prod"


HERE = cdk.Environment(account="111122223333", region="eu-central-1")
FAR = cdk.Environment(account="444455556666", region="eu-central-1")
OF_ACCOUNT = f"logs-{cdk.Aws.ACCOUNT_ID}"


@pytest.mark.parametrize("env", [None, HERE])
@pytest.mark.parametrize(
    ("prop", "name"),
    [
        ("trail_name", "recorder"),
        ("log_bucket__bucket_name", "my-logs"),
        ("log_bucket__bucket_name", OF_ACCOUNT),
        ("encryption_key__alias", "alias/logs"),
    ],
    ids=["trail", "bucket", "bucket of the account", "alias"],
)
def test_two_trails_of_one_environment_never_share_a_name(prop: str, name: str, env: cdk.Environment | None) -> None:
    app = new_app()
    first = cdk.Stack(app, "First", env=env)
    SecureTrail(first, "SecureTrail", **props_of({prop: name}))

    for stack in (first, cdk.Stack(app, "Second", env=env)):
        with pytest.raises(
            ValueError, match=rf"{prop.rpartition('__')[2]} is .*, which another SecureTrail .*Allowed: .*Fix: "
        ):
            SecureTrail(stack, "Another", **props_of({prop: name}))


def test_trails_of_other_accounts_and_stages_may_share_names() -> None:
    app = new_app()
    places = [
        *(cdk.Stack(app, f"Stack{number}", env=env) for number, env in enumerate((None, HERE, FAR))),
        *(cdk.Stack(cdk.Stage(app, stage), "Stack") for stage in ("Test", "Production")),
    ]
    for stack in places:
        SecureTrail(
            stack,
            "SecureTrail",
            trail_name="recorder",
            encryption_key=NewKey(alias="alias/logs"),
            log_bucket=NewBucket(bucket_name=OF_ACCOUNT),
        )

    stage = cdk.Stage(app, "Again", env=HERE)
    with pytest.raises(ValueError, match=r"trail_name is 'recorder'"):
        SecureTrail(cdk.Stack(stage, "Stack"), "SecureTrail", trail_name="recorder")


@pytest.mark.parametrize("account", [None, HERE.account])
@pytest.mark.parametrize(
    ("prop", "name", "is_refused"),
    [
        ("trail_name", "recorder", True),
        ("trail_name", f"recorder-{cdk.Aws.ACCOUNT_ID}", True),
        ("trail_name", f"recorder-{cdk.Aws.REGION}", False),
        ("log_bucket__bucket_name", OF_ACCOUNT, True),
        ("log_bucket__bucket_name", f"{OF_ACCOUNT}-{cdk.Aws.REGION}", False),
        ("encryption_key__alias", "alias/logs", False),
    ],
    ids=["trail", "trail of the account", "trail of the region", "bucket", "bucket of the region", "alias"],
)
def test_two_regions_share_the_names_of_buckets_and_of_multi_region_trails(
    account: str | None, prop: str, name: str, *, is_refused: bool
) -> None:
    app = new_app()
    near, here = (
        cdk.Stack(app, region, env=cdk.Environment(account=account, region=region))
        for region in ("eu-west-1", "eu-central-1")
    )
    SecureTrail(near, "SecureTrail", **props_of({prop: name}))

    refused = pytest.raises(ValueError, match=r"which another SecureTrail .* in the same account\. Allowed: .*Fix: ")
    with refused if is_refused else contextlib.nullcontext():
        SecureTrail(here, "SecureTrail", **props_of({prop: name}))


def test_a_buckets_name_is_taken_everywhere() -> None:
    app = new_app()
    SecureTrail(cdk.Stack(app, "First", env=HERE), "SecureTrail", log_bucket=NewBucket(bucket_name="my-logs"))

    with pytest.raises(ValueError, match=r"bucket_name is 'my-logs'.*unique everywhere"):
        SecureTrail(cdk.Stack(app, "Second", env=FAR), "SecureTrail", log_bucket=NewBucket(bucket_name="my-logs"))


@pytest.mark.parametrize("names", [{"bucket_name": "copies"}, {"key_alias": "alias/copies"}])
def test_a_replica_shares_no_name_either(names: dict[str, Any]) -> None:
    app = new_app()
    LogReplica(cdk.Stack(app, "First", env=HERE), "Replica", **names)

    second = cdk.Stack(app, "Second", env=HERE)
    with pytest.raises(ValueError, match=r"which another SecureTrail or LogArchive, or a LogReplica, .*Fix: "):
        LogReplica(second, "Replica", **names)
    of_trail = NewKey(alias=names.get("key_alias"))
    with pytest.raises(ValueError, match=r"which another SecureTrail or LogArchive, or a LogReplica, .*Fix: "):
        SecureTrail(
            second,
            "SecureTrail",
            encryption_key=of_trail,
            log_bucket=NewBucket(bucket_name=names.get("bucket_name")),
        )
