"""Questions about the account's identity, network, detection and compliance services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import TypeVar

from verify.aws import Answer, Aws
from verify.fact import Fact, ask
from verify.posture.score.facts import OpenGroup, Recorder, RootUser

_SSH_PORT = 22
_SHOWN = 3
_Network = TypeVar("_Network", IPv4Network, IPv6Network)
# Of one organization's own, at the most: no allocation is larger than a /8, and of IPv6 hardly one than a /16.
# https://www.iana.org/assignments/ipv4-address-space/ and
# https://www.iana.org/assignments/ipv6-unicast-address-assignments/
_MOST_V4 = 2**24
_MOST_V6 = 2**112
# What is not of the internet.
# https://www.iana.org/assignments/iana-ipv4-special-registry/ and https://www.rfc-editor.org/rfc/rfc4291#section-2.4
_NOT_PUBLIC_V4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.168.0.0/16", "224.0.0.0/3"),
        ),
    )
)
_NOT_PUBLIC_V6 = tuple(map(IPv6Network, ("::/3", "4000::/2", "8000::/1")))


@dataclass(frozen=True, slots=True)
class AccountQuestions:
    """Each method asks one question in one region.

    :param region: Default: - the session's.
    """

    aws: Aws
    region: str | None = None

    def minimum_password_length(self) -> Fact[int]:
        """Of the account's own password policy, in characters.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountPasswordPolicy.html
        """
        return ask(
            lambda: int(self.aws.call("iam", "GetAccountPasswordPolicy")["PasswordPolicy"]["MinimumPasswordLength"]),
            absent={"NoSuchEntity": "the account has no password policy of its own"},
        )

    def regions(self) -> Fact[tuple[str, ...]]:
        """The regions that are enabled in the account.

        https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
        """

        def regions() -> tuple[str, ...]:
            names = tuple(sorted(region["RegionName"] for region in self.aws.call("ec2", "DescribeRegions")["Regions"]))
            if not names:
                # What is asked in no region at all would be found nowhere.
                raise LookupError("Regions is empty")
            return names

        return ask(regions)

    def root(self) -> Fact[RootUser]:
        """The root user's keys and MFA."""

        def root() -> RootUser:
            counts = self.aws.call("iam", "GetAccountSummary")["SummaryMap"]
            return RootUser(
                has_access_keys=counts["AccountAccessKeysPresent"] > 0, has_mfa=counts["AccountMFAEnabled"] > 0
            )

        return ask(root)

    def analyzers(self) -> Fact[tuple[str, ...]]:
        """Active analyzers of external access, of the account or its organization.

        https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ListAnalyzers.html
        """
        return ask(
            lambda: tuple(
                analyzer["name"]
                for page in self.aws.pages("accessanalyzer", "ListAnalyzers", in_region=self.region)
                for analyzer in page["analyzers"]
                if analyzer["status"] == "ACTIVE" and analyzer["type"] in ("ACCOUNT", "ORGANIZATION")
            )
        )

    def blocks_public_access(self, account: str) -> Fact[bool]:
        """Whether all four public access block settings of the account are on.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html
        """

        def all_on() -> bool:
            answer = self.aws.call("s3control", "GetPublicAccessBlock", AccountId=account)
            switches = answer["PublicAccessBlockConfiguration"]
            if not switches:
                raise LookupError("PublicAccessBlockConfiguration has no settings")
            names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
            return all(switches.get(name, False) for name in names)

        return ask(all_on, absent={"NoSuchPublicAccessBlockConfiguration": "the account has no public access block"})

    def open_groups(self) -> Fact[tuple[OpenGroup, ...]]:
        """Security groups that allow SSH from everywhere, or may do so through a prefix list.

        https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html
        """
        return ask(
            lambda: tuple(
                found
                for page in self.aws.pages("ec2", "DescribeSecurityGroups", in_region=self.region)
                for group in page["SecurityGroups"]
                for found in _openings(group)
            )
        )

    def default_vpcs(self) -> Fact[tuple[str, ...]]:
        """Ids of default VPCs."""
        is_default = [{"Name": "is-default", "Values": ["true"]}]
        return ask(
            lambda: tuple(
                vpc["VpcId"]
                for page in self.aws.pages("ec2", "DescribeVpcs", in_region=self.region, Filters=is_default)
                for vpc in page["Vpcs"]
            )
        )

    def detectors(self) -> Fact[tuple[str, ...]]:
        """Enabled GuardDuty detectors.

        https://docs.aws.amazon.com/guardduty/latest/APIReference/API_GetDetector.html
        """
        return ask(
            lambda: tuple(
                detector
                for page in self.aws.pages("guardduty", "ListDetectors", in_region=self.region)
                for detector in page["DetectorIds"]
                if self.aws.call("guardduty", "GetDetector", in_region=self.region, DetectorId=detector)["Status"]
                == "ENABLED"
            )
        )

    def hub(self) -> Fact[str]:
        """The Security Hub of the account.

        https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_DescribeHub.html
        """
        not_enabled = "Security Hub is not enabled"
        return ask(
            lambda: str(self.aws.call("securityhub", "DescribeHub", in_region=self.region)["HubArn"]),
            absent={"InvalidAccessException": not_enabled, "ResourceNotFoundException": not_enabled},
        )

    def recorders(self) -> Fact[tuple[Recorder, ...]]:
        """The Config recorders."""
        return ask(
            lambda: tuple(
                Recorder(status["name"], status["recording"], str(status.get("lastStatus", "PENDING")).upper())
                for status in self.aws.call("config", "DescribeConfigurationRecorderStatus", in_region=self.region)[
                    "ConfigurationRecordersStatus"
                ]
            )
        )

    def config_rules(self) -> Fact[int]:
        """How many Config rules there are."""
        return ask(
            lambda: sum(
                len(page["ConfigRules"])
                for page in self.aws.pages("config", "DescribeConfigRules", in_region=self.region)
            )
        )


def _openings(group: Answer) -> Iterator[OpenGroup]:
    """How the group's rules together allow SSH from everywhere: ranges that add up to much of the internet count."""
    rules = [rule for rule in group["IpPermissions"] if _covers_ssh(rule)]
    v4 = collapse_addresses({IPv4Network(entry["CidrIp"]) for rule in rules for entry in rule.get("IpRanges", ())})
    v6 = collapse_addresses({IPv6Network(entry["CidrIpv6"]) for rule in rules for entry in rule.get("Ipv6Ranges", ())})
    for ranges, most in ((_public(v4, _NOT_PUBLIC_V4), _MOST_V4), (_public(v6, _NOT_PUBLIC_V6), _MOST_V6)):
        if sum(2 ** (network.max_prefixlen - network.prefixlen) for _, network in ranges) > most:
            shown = list(dict.fromkeys(str(given) for given, _ in ranges))
            more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
            yield OpenGroup(group["GroupId"], ", ".join(shown[:_SHOWN]) + more)
    lists = (entry["PrefixListId"] for rule in rules for entry in rule.get("PrefixListIds", ()))
    yield from (OpenGroup(group["GroupId"], name, is_certain=False) for name in dict.fromkeys(lists))


def _public(ranges: Iterable[_Network], others: tuple[_Network, ...]) -> list[tuple[_Network, _Network]]:
    """Each range with each part of it that is of the internet."""
    found = []
    for given in ranges:
        parts = [given]
        for other in others:
            parts = [piece for part in parts for piece in _without(part, other)]
        found += [(given, part) for part in parts]
    return found


def _without(network: _Network, other: _Network) -> Iterable[_Network]:
    if not network.overlaps(other):
        return (network,)
    return network.address_exclude(other) if other.prefixlen > network.prefixlen else ()


def _covers_ssh(rule: Answer) -> bool:
    return bool(
        rule["IpProtocol"] == "-1"
        or (rule["IpProtocol"] in ("tcp", "6") and rule["FromPort"] <= _SSH_PORT <= rule["ToPort"])
    )
