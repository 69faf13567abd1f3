"""The service principal that grants of this construct are for; it is the same in all partitions."""

from aws_cdk import aws_iam as iam

CLOUDTRAIL = iam.ServicePrincipal("cloudtrail.amazonaws.com")
