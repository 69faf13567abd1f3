"""One trail for every account of an organization, delivered to a log archive account.

Two stacks in two accounts: the archive's first. Its policies name the trail before it exists, and no principal of the
management account can read or delete what is archived.
"""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from constructs_lib import ArchivedTrail, LogArchive, NewBucket, NewKey, Organization, SecureTrail
from constructs_lib.compliance import add_rule_packs

MANAGEMENT, ARCHIVE, ORGANIZATION = "111122223333", "444455556666", "o-exampleorgid"
REGION, TRAIL_NAME = "eu-central-1", "organization-trail"
BUCKET_NAME = f"example-organization-trail-{ARCHIVE}"


def build(app: cdk.App) -> None:
    """Add the two stacks."""
    archive = cdk.Stack(app, "LogArchive", env=cdk.Environment(account=ARCHIVE, region=REGION))
    store = LogArchive(
        archive,
        "Archive",
        trails=[
            ArchivedTrail(
                trail_name=TRAIL_NAME, trail_account=MANAGEMENT, trail_region=REGION, organization_id=ORGANIZATION
            )
        ],
        encryption_key=NewKey(alias="alias/organization-trail"),
        log_bucket=NewBucket(bucket_name=BUCKET_NAME),
    )
    cdk.CfnOutput(archive, "KeyArn", value=store.key.key_arn, description="The parameter of the other stack")

    management = cdk.Stack(app, "OrganizationTrail", env=cdk.Environment(account=MANAGEMENT, region=REGION))
    key_arn = cdk.CfnParameter(management, "ArchiveKeyArn", description="The output KeyArn of the archive's stack")
    SecureTrail(
        management,
        "SecureTrail",
        trail_name=TRAIL_NAME,
        organization=Organization(ORGANIZATION),
        encryption_key=kms.Key.from_key_arn(management, "Key", key_arn.value_as_string),
        log_bucket=s3.Bucket.from_bucket_name(management, "Bucket", BUCKET_NAME),
        cloudwatch=False,
    )


if __name__ == "__main__":
    organization = cdk.App()
    add_rule_packs(organization)
    build(organization)
    organization.synth()
