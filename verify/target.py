"""The target of the checks: which trail, bucket and key they are about, and where those names come from.

The names come from the options, else from the outputs of the CloudFormation stack, else from the default names,
else from the trail itself. What is deployed is for the posture checks to find out: only because the two are separate
can they notice a trail that delivers to another bucket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from verify.arn import Arn
from verify.aws import Aws
from verify.bucket_name import checked_bucket_name
from verify.errors import AccessDenied, ApiError, TargetNotFound, UsageError
from verify.fact import Denied, Fact, Failed, Missing, Value, ask, then
from verify.threads import concurrently
from verify.trail import Trail, home_region_of, name_of, pick_trail, trails_in

# The contract with the CDK stack: the names of its outputs.
OUTPUT_TRAIL_ARN = "TrailArn"
OUTPUT_TRAIL_NAME = "TrailName"
OUTPUT_LOG_BUCKET_NAME = "LogBucketName"
OUTPUT_KEY_ARN = "KeyArn"
OUTPUT_KEY_ALIAS = "KeyAlias"

DEFAULT_STACK = "SecureTrail"
DEFAULT_TRAIL = "ch03-security-trail"
DEFAULT_KEY_ALIAS = "alias/ch03-cloudtrail-key"
DEFAULT_BUCKET = "ch03-cloudtrail-{account}"

_ACCOUNT_DIGITS = 12
PERMISSIONS = ("cloudformation:DescribeStacks", "cloudtrail:DescribeTrails")


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """What the caller named; ``None`` where nothing was.

    :param trail: a trail's name or ARN.
    :param bucket: a bucket's name.
    :param key: a key's id, ARN or alias.
    :param stack: a CloudFormation stack. Default: - ``SecureTrail``, if there is one.
    :param trusted_accounts: numbers of other accounts that may have the logs.
    """

    trail: str | None = None
    bucket: str | None = None
    key: str | None = None
    stack: str | None = None
    trusted_accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetKey:
    """The key of the target.

    :param reference: an id, an ARN or an alias.
    :param arn: the ARN it must have, where that is known beforehand.
    """

    reference: str
    arn: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The names of trail, bucket and key, and the trail as deployed.

    :param trail_arn: the trail's ARN, also while there is no such trail yet.
    :param region: the trail's home region.
    :param trails: all that reach the trail's home region, as far as the account may see them.
    :param source: where the names came from, in words.
    :param is_certain: false when a stack may have other names for what no option names, and could not be read.
    """

    trail_name: str
    trail_arn: Fact[str]
    region: str
    account: Fact[str]
    partition: str
    trail: Fact[Trail]
    trails: Fact[tuple[Trail, ...]]
    bucket: Fact[str]
    key: Fact[TargetKey]
    source: str
    notices: tuple[str, ...]
    is_certain: bool = True
    trusted_accounts: tuple[str, ...] = ()


def resolve(aws: Aws, options: TargetOptions) -> Target:
    """Find out the target.

    :raises TargetNotFound: the trail or stack that the options name does not exist.
    :raises UsageError: an ARN that is not a trail's, or not a key's; a region that is none.
    :raises CannotLook: there are no usable credentials, or AWS cannot be reached.
    """
    _check_key(options.key)
    _check_bucket(options.bucket)
    _check_accounts(options.trusted_accounts)
    partition = aws.partition
    region = home_region_of(options.trail) or aws.region
    stack_name = options.stack or DEFAULT_STACK
    with concurrently(2) as pool:
        # Asked on its own and first to fail: without credentials or a network no other answer means anything.
        account = account_of(aws)
        stack_future = pool.submit(_stack_outputs, aws, stack_name)
        trails = ask(lambda: trails_in(aws, region))
        stack = stack_future.result()
    notices = []
    if isinstance(stack, Missing) and options.stack:
        raise TargetNotFound(f"{stack.why} in {aws.region}. Name another with --stack, or leave the option out.")
    if isinstance(stack, Denied | Failed):
        notices.append(
            f"The outputs of stack {stack_name} were not read: {stack}. It may name another trail, bucket or key;"
            " name what is meant with the command's options."
        )
    outputs = stack.value if isinstance(stack, Value) else {}

    stack_trail = outputs.get(OUTPUT_TRAIL_ARN) or outputs.get(OUTPUT_TRAIL_NAME)
    wanted = options.trail or stack_trail or DEFAULT_TRAIL
    trail = then(trails, lambda found: pick_trail(found, wanted, region))
    if isinstance(trail, Missing) and options.trail:
        raise TargetNotFound(f"{trail.why}. Name another with --trail NAME|ARN, or check --region.")
    trail_arn = _trail_arn(trail, wanted, region=region, account=account, partition=partition)
    if stack_trail not in (name_of(wanted), trail_arn.value if isinstance(trail_arn, Value) else wanted):
        outputs = {}
        if options.stack:
            made = stack_trail or "none"
            notices.append(f"Stack {stack_name} names another trail ({made}); its bucket and key are not used.")
    if isinstance(trail, Value) and trail.value.home_region != region:
        notices.append(f"Asked in {region}; the trail's home region is {trail.value.home_region}.")
        trails = ask(lambda: trails_in(aws, trail.value.home_region))
    name = name_of(wanted)
    return Target(
        trail_name=name,
        trail_arn=trail_arn,
        region=trail.value.home_region if isinstance(trail, Value) else region,
        account=account,
        partition=partition,
        trail=trail,
        trails=trails,
        bucket=_bucket(options, outputs, name, account, trail),
        key=_key(options, outputs, name, trail),
        source=f"stack {stack_name}" if outputs else "the defaults" if name == DEFAULT_TRAIL else "the trail itself",
        notices=tuple(notices),
        is_certain=not isinstance(stack, Denied | Failed) or None not in (options.trail, options.bucket, options.key),
        trusted_accounts=options.trusted_accounts,
    )


def _check_key(reference: str | None) -> None:
    if reference is None or not reference.startswith("arn:"):
        return
    try:
        is_key = Arn.parse(reference).service == "kms"
    except ValueError:
        is_key = False
    if not is_key:
        raise UsageError(
            f"--key: {reference!r} is not a key's ARN. Name the key by its id, its alias (alias/name), or its ARN, "
            "arn:partition:kms:region:account:key/id."
        )


def _check_bucket(name: str | None) -> None:
    if name is None:
        return
    try:
        checked_bucket_name(name)
    except ValueError as error:
        raise UsageError(f"--bucket: {error}") from error


def _check_accounts(accounts: tuple[str, ...]) -> None:
    for account in accounts:
        if not (account.isascii() and account.isdecimal() and len(account) == _ACCOUNT_DIGITS):
            raise UsageError(f"--trusted-account: {account!r} is no account's number, which has twelve digits.")


def account_of(aws: Aws) -> Fact[str]:
    """The number of the account that the credentials belong to.

    :raises CannotLook: there are no usable credentials, or AWS cannot be reached.
    """
    try:
        return Value(aws.caller().account)
    except AccessDenied as error:
        return Denied(error.permission)


def _stack_outputs(aws: Aws, stack: str) -> Fact[Mapping[str, str]]:
    def outputs() -> Mapping[str, str]:
        answer = aws.call("cloudformation", "DescribeStacks", StackName=stack)
        found = {output["OutputKey"]: output["OutputValue"] for output in answer["Stacks"][0].get("Outputs", ())}
        for name in found.keys() & {OUTPUT_TRAIL_ARN, OUTPUT_KEY_ARN}:
            Arn.parse(found[name])
        if OUTPUT_LOG_BUCKET_NAME in found:
            checked_bucket_name(found[OUTPUT_LOG_BUCKET_NAME])
        return found

    def found() -> Fact[Mapping[str, str]]:
        try:
            return Value(outputs())
        except ApiError as error:
            # CloudFormation has no error code of its own for a stack that is not there; this one can mean anything.
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
            if error.code == "ValidationError" and "does not exist" in str(error):
                return Missing(f"there is no stack {stack}")
            raise

    return then(ask(found), lambda fact: fact)


def _trail_arn(trail: Fact[Trail], wanted: str, *, region: str, account: Fact[str], partition: str) -> Fact[str]:
    if isinstance(trail, Value):
        return Value(trail.value.arn)
    if wanted.startswith("arn:"):
        return Value(wanted)
    return then(account, lambda number: Value(f"arn:{partition}:cloudtrail:{region}:{number}:trail/{wanted}"))


def _bucket(
    options: TargetOptions,
    outputs: Mapping[str, str],
    trail_name: str,
    account: Fact[str],
    trail: Fact[Trail],
) -> Fact[str]:
    named = options.bucket or outputs.get(OUTPUT_LOG_BUCKET_NAME)
    if named:
        return Value(named)
    if trail_name == DEFAULT_TRAIL:
        return then(account, lambda number: Value(DEFAULT_BUCKET.format(account=number)))
    return then(trail, lambda deployed: Value(deployed.bucket))


def _key(options: TargetOptions, outputs: Mapping[str, str], trail_name: str, trail: Fact[Trail]) -> Fact[TargetKey]:
    if options.key:
        return Value(TargetKey(options.key))
    arn = outputs.get(OUTPUT_KEY_ARN)
    reference = outputs.get(OUTPUT_KEY_ALIAS) or arn
    if reference:
        return Value(TargetKey(reference, arn))
    if trail_name == DEFAULT_TRAIL:
        return Value(TargetKey(DEFAULT_KEY_ALIAS))

    def of_trail(deployed: Trail) -> Fact[TargetKey]:
        if deployed.key_reference is None:
            return Missing(f"trail {deployed.name} has no key")
        return Value(TargetKey(deployed.key_reference))

    return then(trail, of_trail)
