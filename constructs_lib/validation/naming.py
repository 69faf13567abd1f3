"""Names: what AWS allows, and the trail's ARN before the trail exists.

The bucket policy and the key policy name the trail in ``aws:SourceArn``, and the trail needs both policies to be
created. Taking the ARN from the resource would close a cycle; taking it from the name does not.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from constructs import Construct

_TRAIL_NAME = re.compile(r"[A-Za-z0-9](?:[._-]?[A-Za-z0-9])*")
_BUCKET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])")
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_KEY_ALIAS = re.compile(r"alias/(?!aws/)[A-Za-z0-9/_-]+")
_ORGANIZATION_ID = re.compile(r"o-[a-z0-9]{10,32}")
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_SLACK_ID = re.compile(r"[A-Z0-9]{2,255}")
_WEBHOOK = re.compile(r"https://[A-Za-z0-9.-]+(:\d{1,5})?(/[!-~]*)?")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_BUCKET_ARN = re.compile(r"arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:(?:key|alias)/[A-Za-z0-9/_-]+")
# S3's safe characters without "*": the prefix becomes part of a policy's Resource, where "*" is a wildcard.
_KEY_PREFIX = re.compile(r"[A-Za-z0-9!_.'()-]+(?:/[A-Za-z0-9!_.'()-]+)*")
# `cdk.Aws.ACCOUNT_ID`, as CDK writes it: to ask Node for it would cost a call at every synth.
_ACCOUNT_TOKEN = re.compile(r"\$\{Token\[AWS\.AccountId\.\d+\]\}")
# What the trails of each stack have named: prop, account, region and name.
_NAMED: WeakKeyDictionary[cdk.Stack, set[tuple[str, str, str, str]]] = WeakKeyDictionary()


def trail_arn(stack: cdk.Stack, trail_name: str, account: str) -> str:
    """The ARN that a trail of this name and account has in the stack's partition and region."""
    return stack.format_arn(service="cloudtrail", resource="trail", resource_name=trail_name, account=account)


def default_trail_name(scope: Construct) -> str:
    """A valid trail name that is unique in the account and region, made from the construct's path."""
    name = cdk.Names.unique_resource_name(scope, max_length=128, separator="-")
    check_trail_name(name)
    return name


def reserve_names(
    stack: cdk.Stack, account: str, *, trail_name: str | None, bucket_name: str | None, key_alias: str | None
) -> None:
    """Refuse a name that the app's other trails, archives and replicas have there too, a bucket's anywhere.

    A multi-region trail is there under its name in every region, as a shadow trail, but where it was made:
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html (IsMultiRegionTrail)

    Stacks without an environment go where the one goes that deploys them, so that those of one stage share it.
    https://docs.aws.amazon.com/cdk/v2/guide/environments.html

    :param account: the stack's.
    :param trail_name: of a trail that is made. Default: - none is.
    :param bucket_name: of a bucket that is made. Default: - CloudFormation chooses one.
    :param key_alias: of a key that is made. Default: - none is.
    :raises ValueError: names it.
    """
    here, region = ("" if _is_token(each) else each for each in (account, stack.region))
    for prop, name in (("trail_name", trail_name), ("bucket_name", bucket_name), ("alias", key_alias)):
        if name is None:
            continue
        # All accounts and regions share the names of buckets, and the regions of an account those of its trails.
        is_global = prop == "bucket_name" and not _is_token(name)
        of_account = prop != "alias" and _is_one_in_an_account(name)
        named = (prop, "" if is_global else here, "" if of_account else region, name)
        everywhere = is_global or bool(here and (of_account or region))
        # CDK's tree is asked only where a name is found again: every such call costs time at every synth.
        if any(named in names and _meet(stack, other, everywhere=everywhere) for other, names in _NAMED.items()):
            where = "" if is_global else " in the same account" if of_account else " in the same account and region"
            raise ValueError(
                f"{prop} is {name!r}, which another SecureTrail or LogArchive, or a LogReplica, of this app has"
                f"{where}. Allowed: a name that is unique {'everywhere' if is_global else 'there'}, or the second "
                "deployment fails. "
                f"Fix: choose another {prop}, or leave it out to get one."
            )
        _NAMED.setdefault(stack, set()).add(named)


def _meet(stack: cdk.Stack, other: cdk.Stack, *, everywhere: bool) -> bool:
    """Whether a name of the other stack counts: of one app everywhere, else of one stage.

    Stages of unknown places may well go to different ones.
    """
    if stack is other:
        return True
    return stack.node.root is other.node.root if everywhere else cdk.Stage.of(stack) is cdk.Stage.of(other)


def _is_one_in_an_account(name: str) -> bool:
    """Whether it is the same in all regions of an account, so that it has no other token than the account's."""
    return not _is_token(_ACCOUNT_TOKEN.sub("", name))


def _is_token(text: str) -> bool:
    """Whether it is known only at deployment; as CDK writes it, for asking Node would cost a call at every synth."""
    return "${Token[" in text


def default_key_alias(trail_name: str) -> str:
    """``alias/`` and the trail's name; an alias cannot have the dots that a trail's name can."""
    alias = f"alias/{trail_name if cdk.Token.is_unresolved(trail_name) else trail_name.replace('.', '-')}"
    check_key_alias(alias)
    return alias


def check_trail_name(name: str) -> None:
    """Refuse a trail name that CloudTrail would refuse at deployment.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html

    :raises ValueError: the name breaks a rule.
    """
    is_wrong = not 3 <= len(name) <= 128 or not _TRAIL_NAME.fullmatch(name) or _is_ip_address(name)
    if is_wrong and not cdk.Token.is_unresolved(name):
        raise ValueError(
            f"trail_name is {name!r}, which CloudTrail refuses. Allowed: 3 to 128 letters, digits, '.', '_' and '-', "
            "first and last a letter or digit, no two of '._-' side by side, not an IP address. "
            "Fix: choose a name such as 'security-trail'."
        )


def check_bucket_name(name: str) -> None:
    """Refuse a bucket name that S3 would refuse at deployment.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html

    :raises ValueError: the name breaks a rule.
    """
    if cdk.Token.is_unresolved(name):
        return
    allowed = 3 <= len(name) <= 63 and _BUCKET_NAME.fullmatch(name) and ".." not in name
    reserved = name.startswith(_RESERVED_PREFIXES) or name.endswith(_RESERVED_SUFFIXES)
    if not allowed or reserved or _is_ip_address(name):
        raise ValueError(
            f"bucket_name is {name!r}, which S3 refuses. Allowed: 3 to 63 lower-case letters, digits, '.' and '-', "
            "first and last a letter or digit, no '..', not an IP address, none of S3's reserved "
            "prefixes and suffixes. Fix: choose a name such as 'example-cloudtrail-111122223333', or leave it out."
        )


def check_key_alias(alias: str) -> None:
    """Refuse an alias that KMS would refuse at deployment.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html

    :raises ValueError: the alias breaks a rule.
    """
    is_wrong = len(alias) > 256 or not _KEY_ALIAS.fullmatch(alias)
    if is_wrong and not cdk.Token.is_unresolved(alias):
        raise ValueError(
            f"the key's alias is {alias!r}, which KMS refuses. Allowed: 'alias/' and then letters, digits, '/', '_' "
            "and '-', at most 256 characters, not 'alias/aws/'. Fix: write it as 'alias/cloudtrail-key'."
        )


def check_key_prefix(prefix: str) -> None:
    """Refuse a log file prefix that CloudTrail would refuse or that would widen the bucket policy.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html (S3KeyPrefix, 200 characters) and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html (safe characters).

    :raises ValueError: the prefix breaks a rule.
    """
    if cdk.Token.is_unresolved(prefix):
        return
    if len(prefix) > 200 or not _KEY_PREFIX.fullmatch(prefix):
        raise ValueError(
            f"s3_key_prefix is {prefix!r}. Allowed: 1 to 200 letters, digits and !_.'()- in parts joined by "
            "single '/', none at the start or the end. Fix: write it as 'audit' or 'audit/cloudtrail', or leave it out."
        )


def check_organization_id(organization_id: str) -> None:
    """Refuse what is not an organization's id.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html

    :raises ValueError: it has another form.
    """
    if not cdk.Token.is_unresolved(organization_id) and not _ORGANIZATION_ID.fullmatch(organization_id):
        raise ValueError(
            f"organization_id is {organization_id!r}. Allowed: 'o-' and 10 to 32 lower-case letters and digits. "
            "Fix: copy it from `aws organizations describe-organization --query Organization.Id`."
        )


def check_account_id(name: str, account: str) -> None:
    """Refuse what is not an account's id.

    :raises ValueError: it is not twelve digits.
    """
    if not _ACCOUNT_ID.fullmatch(account) and not cdk.Token.is_unresolved(account):
        raise ValueError(
            f"{name} is {account!r}. Allowed: twelve digits, as a string. "
            "Fix: write it as '111122223333', with leading zeros if it has any."
        )


def check_region(name: str, region: str) -> None:
    """Refuse what cannot be a region's name; regions are not looked up, so that new ones pass.

    :raises ValueError: it has another form.
    """
    if not _REGION.fullmatch(region) and not cdk.Token.is_unresolved(region):
        raise ValueError(
            f"{name} is {region!r}. Allowed: a region's name, such as 'eu-central-1'. Fix: correct the name."
        )


def check_emails(name: str, addresses: Sequence[str]) -> None:
    """Refuse what is no e-mail address, and an address that is there twice.

    https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html

    :raises ValueError: names it.
    """
    for address in addresses:
        if not _EMAIL.fullmatch(address) and not cdk.Token.is_unresolved(address):
            raise ValueError(
                f"{name} has {address!r}. Allowed: e-mail addresses. Fix: write it as 'security@example.com'."
            )
    check_once(name, addresses)


def check_webhooks(name: str, urls: Sequence[str]) -> None:
    """Refuse what SNS does not post to over TLS, and a URL that is there twice.

    https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html

    :raises ValueError: names it.
    """
    for url in urls:
        if not _WEBHOOK.fullmatch(url) and not cdk.Token.is_unresolved(url):
            raise ValueError(
                f"{name} has {url!r}. Allowed: URLs that begin with https://, because an alert that anybody on the way "
                "can read tells an attacker what is seen. Fix: write it as 'https://alerts.example.com/aws'."
            )
    check_once(name, urls)


def check_slack_id(name: str, given: str, example: str) -> None:
    """Refuse what is no id of a workspace or a channel of Slack, such as a channel's name.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-chatbot-slackchannelconfiguration.html

    :raises ValueError: names it.
    """
    if not _SLACK_ID.fullmatch(given) and not cdk.Token.is_unresolved(given):
        raise ValueError(
            f"{name} is {given!r}. Allowed: an id of Slack's, of capital letters and digits, and no name. "
            f"Fix: write it as {example!r}."
        )


def check_once(name: str, given: Sequence[str]) -> None:
    """Refuse what is there twice.

    :raises ValueError: names it.
    """
    for each in given:
        if given.count(each) > 1:
            raise ValueError(
                f"{name} has {each!r} {given.count(each)} times. Allowed: each once. Fix: remove the second one."
            )


def check_bucket_arn(arn: str) -> None:
    """Refuse what is not a bucket's ARN.

    :raises ValueError: it has another form.
    """
    if not _BUCKET_ARN.fullmatch(arn) and not cdk.Token.is_unresolved(arn):
        raise ValueError(
            f"bucket_arn is {arn!r}. Allowed: 'arn:', the partition, ':s3:::' and the bucket's name. "
            "Fix: write it as 'arn:aws:s3:::example-cloudtrail-111122223333'."
        )


def check_key_arn(arn: str, region: str) -> None:
    """Refuse what is neither a key's nor an alias's ARN in the region.

    :raises ValueError: it has another form, or names another region.
    """
    if cdk.Token.is_unresolved(arn):
        return
    match = _KEY_ARN.fullmatch(arn)
    if match is None or (match[1] != region and not cdk.Token.is_unresolved(region)):
        raise ValueError(
            f"key_arn is {arn!r}. Allowed: the ARN of a key or of an alias in {region}. "
            f"Fix: write it as 'arn:aws:kms:{region}:111122223333:alias/copies'."
        )


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
