"""The service principals that grants of this construct are for; they are the same in all partitions."""

from aws_cdk import aws_iam as iam

CLOUDTRAIL = iam.ServicePrincipal("cloudtrail.amazonaws.com")
S3 = iam.ServicePrincipal("s3.amazonaws.com")
