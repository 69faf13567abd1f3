"""Query the log files in SQL: an Athena table without crawlers, six named queries, a limit on cost."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from constructs_lib import Analytics, LogRetention, NewBucket, SecureTrail


def build(app: cdk.App) -> None:
    """Add the stack."""
    stack = cdk.Stack(app, "AnalyticsTrail")
    trail = SecureTrail(
        stack,
        "SecureTrail",
        trail_name="analytics",
        log_bucket=NewBucket(retention=LogRetention(expiration=cdk.Duration.days(365))),
        analytics=Analytics(scan_limit_mebibytes=10 * 1024),
    )
    analysts = iam.Group(stack, "Analysts")
    trail.grant_query(analysts)


if __name__ == "__main__":
    analytics = cdk.App()
    build(analytics)
    analytics.synth()
