"""The service principal that every grant of this construct is for; it is the same in all partitions."""

from aws_cdk import aws_iam as iam

CLOUDTRAIL = iam.ServicePrincipal("cloudtrail.amazonaws.com")
