"""Questions about the account's identity, network, detection and compliance services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from verify.aws import Answer, Aws
from verify.fact import Fact, ask
from verify.posture.score.facts import OpenGroup, Recorder, RootUser

_SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class AccountQuestions:
    """Each method asks one question in the session's region."""

    aws: Aws

    def minimum_password_length(self) -> Fact[int]:
        """Of the account's own password policy, in characters.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountPasswordPolicy.html
        """
        return ask(
            lambda: int(self.aws.call("iam", "GetAccountPasswordPolicy")["PasswordPolicy"]["MinimumPasswordLength"]),
            absent={"NoSuchEntity": "the account has no password policy of its own"},
        )

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
                for page in self.aws.pages("accessanalyzer", "ListAnalyzers")
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
                for page in self.aws.pages("ec2", "DescribeSecurityGroups")
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
                for page in self.aws.pages("ec2", "DescribeVpcs", Filters=is_default)
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
                for page in self.aws.pages("guardduty", "ListDetectors")
                for detector in page["DetectorIds"]
                if self.aws.call("guardduty", "GetDetector", DetectorId=detector)["Status"] == "ENABLED"
            )
        )

    def hub(self) -> Fact[str]:
        """The Security Hub of the account.

        https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_DescribeHub.html
        """
        not_enabled = "Security Hub is not enabled"
        return ask(
            lambda: str(self.aws.call("securityhub", "DescribeHub")["HubArn"]),
            absent={"InvalidAccessException": not_enabled, "ResourceNotFoundException": not_enabled},
        )

    def recorders(self) -> Fact[tuple[Recorder, ...]]:
        """The Config recorders."""
        return ask(
            lambda: tuple(
                Recorder(status["name"], is_recording=status["recording"])
                for status in self.aws.call("config", "DescribeConfigurationRecorderStatus")[
                    "ConfigurationRecordersStatus"
                ]
            )
        )

    def config_rules(self) -> Fact[int]:
        """How many Config rules there are."""
        return ask(lambda: sum(len(page["ConfigRules"]) for page in self.aws.pages("config", "DescribeConfigRules")))


def _openings(group: Answer) -> Iterator[OpenGroup]:
    """How the group's rules together allow SSH from everywhere; ranges that add up to all addresses count."""
    rules = [rule for rule in group.get("IpPermissions", ()) if _covers_ssh(rule)]
    v4 = {IPv4Network(entry["CidrIp"]) for rule in rules for entry in rule.get("IpRanges", ())}
    v6 = {IPv6Network(entry["CidrIpv6"]) for rule in rules for entry in rule.get("Ipv6Ranges", ())}
    for ranges in (collapse_addresses(v4), collapse_addresses(v6)):
        yield from (OpenGroup(group["GroupId"], str(network)) for network in ranges if network.prefixlen == 0)
    lists = (entry["PrefixListId"] for rule in rules for entry in rule.get("PrefixListIds", ()))
    yield from (OpenGroup(group["GroupId"], name, is_certain=False) for name in dict.fromkeys(lists))


def _covers_ssh(rule: Answer) -> bool:
    return bool(
        rule["IpProtocol"] == "-1"
        or (rule["IpProtocol"] in ("tcp", "6") and rule["FromPort"] <= _SSH_PORT <= rule["ToPort"])
    )
