"""The items of the score: 100 points over five pillars."""

from __future__ import annotations

from verify.posture.model import decide
from verify.posture.score import judges
from verify.posture.score.model import Item, Pillar

_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide"
_MAKE_ANALYZER = "{aws} accessanalyzer create-analyzer --analyzer-name account --type ACCOUNT"

ITEMS = (
    Item(
        id="identity_password_policy",
        pillar=Pillar.IDENTITY,
        points=5,
        title="Password policy",
        judge=judges.password_policy,
        expected="a password policy of the account's own, at least 14 characters",
        why="Without one, only AWS's default policy applies to the passwords of IAM users.",
        fix="{aws} iam update-account-password-policy --minimum-password-length 14 --require-symbols"
        " --require-numbers --require-uppercase-characters --require-lowercase-characters"
        " --password-reuse-prevention 24",
        source=f"{_IAM}/id_credentials_passwords_account-policy.html",
    ),
    Item(
        id="identity_root_access_keys",
        pillar=Pillar.IDENTITY,
        points=5,
        title="Root user has no access keys",
        judge=judges.root_has_no_keys,
        expected="AccountAccessKeysPresent is 0",
        why="No IAM policy limits the root user, and its access keys work without MFA.",
        fix="# Sign in as the root user: Security credentials, Access keys, Delete",
        source=f"{_IAM}/root-user-best-practices.html",
    ),
    Item(
        id="identity_root_mfa",
        pillar=Pillar.IDENTITY,
        points=5,
        title="Root user has MFA",
        judge=judges.root_has_mfa,
        expected="AccountMFAEnabled is 1",
        why="Without MFA a stolen password gives full control of the account.",
        fix="# Sign in as the root user: Security credentials, Assign MFA device",
        source=f"{_IAM}/enable-mfa-for-root.html",
    ),
    Item(
        id="identity_access_analyzer",
        pillar=Pillar.IDENTITY,
        points=5,
        title="Access Analyzer is active",
        judge=judges.analyzer_is_active,
        expected="an active analyzer of external access in every region",
        why="It reports resource policies that grant access to external principals.",
        fix=_MAKE_ANALYZER,
        source=f"{_IAM}/access-analyzer-getting-started.html",
    ),
    Item(
        id="network_s3_public_access_block",
        pillar=Pillar.NETWORK,
        points=5,
        title="Account blocks public S3 access",
        judge=judges.account_blocks_public_access,
        expected="all four public access block settings are on for the account",
        why="The account setting covers every bucket, whatever the bucket's own settings.",
        fix="{aws_by_name} s3control put-public-access-block --account-id {account} --public-access-block-configuration"
        " BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true{if_loopback}",
        source=f"{_HUB}/s3-controls.html#s3-1",
    ),
    Item(
        id="network_no_open_ssh",
        pillar=Pillar.NETWORK,
        points=5,
        title="No security group allows SSH from everywhere",
        judge=judges.no_open_ssh,
        expected="no security group of any region allows much of the internet to reach TCP port 22",
        why="Scanners find an open port within minutes and try passwords.",
        fix=decide("from which addresses SSH is needed; ec2 revoke-security-group-ingress takes the rest away"),
        source=f"{_HUB}/ec2-controls.html#ec2-13",
    ),
    Item(
        id="network_no_default_vpc",
        pillar=Pillar.NETWORK,
        points=5,
        title="No default VPC",
        judge=judges.no_default_vpc,
        expected="no default VPC in any region",
        why="Instances launched without a subnet get a public IP address in the default VPC.",
        fix=decide("that nothing uses it; ec2 delete-vpc removes it, after its subnets and internet gateway"),
        source="https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html",
    ),
    Item(
        id="data_customer_key",
        pillar=Pillar.DATA,
        points=5,
        title="A customer-managed key is enabled",
        judge=judges.customer_key,
        expected="a customer-managed KMS key that is Enabled, in this region",
        why="Only the policy of a customer-managed key is yours to decide who may decrypt.",
        fix="{aws} kms create-key --description 'CloudTrail log files'",
        source="https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html",
    ),
    Item(
        id="data_trail_encryption",
        pillar=Pillar.DATA,
        points=5,
        title="A trail is encrypted with KMS",
        judge=judges.trail_is_encrypted,
        expected="the best logging trail has a KmsKeyId",
        why="Reading log files then needs permission on the key as well as on the bucket.",
        fix="python -m verify check",
        source=f"{_HUB}/cloudtrail-controls.html#cloudtrail-2",
    ),
    Item(
        id="data_log_validation",
        pillar=Pillar.DATA,
        points=5,
        title="Log file validation is on",
        judge=judges.log_files_are_validated,
        expected="the best logging trail has LogFileValidationEnabled",
        why="Signed digest files prove that no log file was changed or deleted after delivery.",
        fix="python -m verify check",
        source=f"{_HUB}/cloudtrail-controls.html#cloudtrail-4",
    ),
    Item(
        id="data_bucket_encryption",
        pillar=Pillar.DATA,
        points=5,
        title="Every bucket is encrypted by default",
        judge=judges.buckets_are_encrypted,
        expected="no bucket without default encryption",
        why="S3 then encrypts every object that is stored without encryption settings of its own.",
        fix=decide("with which key each bucket is to encrypt; s3api put-bucket-encryption sets it"),
        source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html",
    ),
    Item(
        id="detection_trail_logging",
        pillar=Pillar.DETECTION,
        points=10,
        title="A multi-region trail is logging",
        judge=judges.multi_region_trail_is_logging,
        expected="the best logging trail records every management event of every region, and delivers",
        why="Events that no trail records cannot be investigated after 90 days.",
        fix="python -m verify check",
        source=f"{_HUB}/cloudtrail-controls.html#cloudtrail-1",
    ),
    Item(
        id="detection_guardduty",
        pillar=Pillar.DETECTION,
        points=10,
        title="GuardDuty is on",
        judge=judges.guardduty_is_on,
        expected="an ENABLED detector in every region",
        why="GuardDuty analyzes the account's CloudTrail events continuously.",
        fix="{aws} guardduty create-detector --enable",
        source="https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_settingup.html",
    ),
    Item(
        id="detection_security_hub",
        pillar=Pillar.DETECTION,
        points=10,
        title="Security Hub is on",
        judge=judges.security_hub_is_on,
        expected="Security Hub is enabled in every region",
        why="Security Hub collects the findings of all services and checks the account against standards.",
        fix="{aws} securityhub enable-security-hub",
        source=f"{_HUB}/securityhub-settingup.html",
    ),
    Item(
        id="compliance_config_recorder",
        pillar=Pillar.COMPLIANCE,
        points=5,
        title="Config is recording",
        judge=judges.config_is_recording,
        expected="in every region a configuration recorder that is recording, and whose last delivery succeeded",
        why="Config records the configuration history of every resource.",
        fix=decide(
            "a bucket whose policy allows config.amazonaws.com to write; then"
            " {aws} iam create-service-linked-role --aws-service-name config.amazonaws.com"
            "; {aws} configservice put-configuration-recorder --configuration-recorder name=default,"
            "roleARN=arn:{partition}:iam::{account}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
            " --recording-group allSupported=true,includeGlobalResourceTypes=true"
            " && {aws} configservice put-delivery-channel --delivery-channel name=default,s3BucketName=…"
            " && {aws} configservice start-configuration-recorder --configuration-recorder-name default"
        ),
        source="https://docs.aws.amazon.com/config/latest/developerguide/gs-cli-subscribe.html",
    ),
    Item(
        id="compliance_config_rules",
        pillar=Pillar.COMPLIANCE,
        points=5,
        title="Config has rules",
        judge=judges.config_has_rules,
        expected="at least one Config rule in this region",
        why="Config reports resources that break a rule only where there are rules.",
        fix="{aws} configservice put-config-rule --config-rule"
        """ '{{"ConfigRuleName": "cloudtrail-enabled", "Source": {{"Owner": "AWS","""
        """ "SourceIdentifier": "CLOUD_TRAIL_ENABLED"}}}}'""",
        source="https://docs.aws.amazon.com/config/latest/developerguide/cloudtrail-enabled.html",
    ),
    Item(
        id="compliance_access_analyzer",
        pillar=Pillar.COMPLIANCE,
        points=5,
        title="Access Analyzer is active",
        judge=judges.analyzer_is_active,
        expected="an active analyzer of external access in every region",
        why="Its findings show an auditor which external principals have access.",
        fix=_MAKE_ANALYZER,
        source=f"{_IAM}/access-analyzer-getting-started.html",
    ),
)
