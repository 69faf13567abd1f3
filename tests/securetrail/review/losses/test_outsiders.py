"""Data to somebody outside, by whatever property."""

from typing import Any

import pytest

from tests.securetrail.review.access.stack import OWN
from tests.securetrail.review.losses.templates import objections, resource

pytestmark = pytest.mark.regular
FOREIGN = "888877776666"


def replicating(bucket: Any, account: str = OWN) -> dict[str, Any]:
    rule = {"Status": "Enabled", "Destination": {"Bucket": bucket, "Account": account}}
    return {"More": resource("AWS::S3::Bucket", BucketName="more", ReplicationConfiguration={"Rules": [rule]})}


STREAM = f"arn:aws:logs:us-east-1:{FOREIGN}:destination:theirs"
SUBSCRIBED = f"arn:aws:sqs:us-east-1:{FOREIGN}:theirs"
OUTSIDE = {
    "copies to a bucket of somebody else": (
        {"More": resource("AWS::S3::Bucket", BucketName="more")},
        replicating("arn:aws:s3:::somebody-elses"),
        "the bucket somebody-elses",
    ),
    "copies to another account": (
        {"More": resource("AWS::S3::Bucket", BucketName="more")},
        replicating({"Fn::GetAtt": ["Logs", "Arn"]}, FOREIGN),
        f"the account {FOREIGN}",
    ),
    "events of a log group to another account": (
        {},
        {"More": resource("AWS::Logs::SubscriptionFilter", LogGroupName="audit", DestinationArn=STREAM)},
        f"the account {FOREIGN}",
    ),
    "alerts to another account": (
        {},
        {"More": resource("AWS::SNS::Subscription", Protocol="sqs", TopicArn={"Ref": "Alerts"}, Endpoint=SUBSCRIBED)},
        f"the account {FOREIGN}",
    ),
    "an account as a number": (
        {},
        {"More": resource("AWS::Logs::Any", Owner=int(FOREIGN))},
        f"the account {FOREIGN}",
    ),
    "an account in a text that cannot be resolved": (
        {},
        {"More": resource("AWS::Logs::Any", To={"Fn::Transform": {"Name": "x", "Parameters": {"a": STREAM}}})},
        f"the account {FOREIGN}",
    ),
    "a trail to a bucket by its name": (
        {},
        {"More": resource("AWS::CloudTrail::Trail", IsLogging=True, S3BucketName="somebody-elses")},
        "the bucket somebody-elses",
    ),
    "the configuration's history to a bucket by its name": (
        {},
        {"More": resource("AWS::Config::DeliveryChannel", S3BucketName="somebody-elses")},
        "the bucket somebody-elses",
    ),
    "access logs to a bucket by its name": (
        {"More": resource("AWS::S3::Bucket", BucketName="more")},
        {
            "More": resource(
                "AWS::S3::Bucket", BucketName="more", LoggingConfiguration={"DestinationBucketName": "somebody-elses"}
            )
        },
        "the bucket somebody-elses",
    ),
    "results of queries to a bucket by its URL": (
        {},
        {
            "More": resource(
                "AWS::Athena::WorkGroup",
                Name="more",
                WorkGroupConfiguration={"ResultConfiguration": {"OutputLocation": "s3://somebody-elses/results/"}},
            )
        },
        "the bucket somebody-elses",
    ),
    "a table in a bucket by its URL": (
        {},
        {"More": resource("AWS::Glue::Table", TableInput={"StorageDescriptor": {"Location": "s3://somebody-elses"}})},
        "the bucket somebody-elses",
    ),
    "a queue by its URL": (
        {},
        {"More": resource("AWS::Any::Any", To=f"https://sqs.us-east-1.amazonaws.com/{FOREIGN}/theirs")},
        f"the account {FOREIGN}",
    ),
    "logs of a distribution to a bucket by its domain": (
        {},
        {"More": resource("AWS::CloudFront::Any", Logging={"Bucket": "somebody-elses.s3.amazonaws.com"})},
        "the bucket somebody-elses",
    ),
    "a bucket by its domain in a region": (
        {},
        {"More": resource("AWS::Any::Any", To="https://somebody-elses.s3.us-east-1.amazonaws.com/logs")},
        "the bucket somebody-elses",
    ),
    "the code of a function from a bucket of somebody else": (
        {"More": resource("AWS::Lambda::Function", Code={"ZipFile": "pass"})},
        {"More": resource("AWS::Lambda::Function", Code={"S3Bucket": "somebody-elses", "S3Key": "x.zip"})},
        "the bucket somebody-elses",
    ),
    "a layer of somebody else": (
        {},
        {"More": resource("AWS::Lambda::Function", Layers=[f"arn:aws:lambda:us-east-1:{FOREIGN}:layer:theirs:1"])},
        f"the account {FOREIGN}",
    ),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_data_to_somebody_whom_the_base_does_not_name_is_objected_to(name: str) -> None:
    before, after, who = OUTSIDE[name]

    assert (f"names_outsider: {who}", "Stack/More") in objections(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # The base names the account already.
        (
            {"One": resource("AWS::Logs::SubscriptionFilter", DestinationArn=STREAM)},
            {
                "One": resource("AWS::Logs::SubscriptionFilter", DestinationArn=STREAM),
                "More": resource("AWS::Logs::SubscriptionFilter", DestinationArn=STREAM),
            },
        ),
        # A bucket that the change makes itself, and the own account.
        (
            {},
            {"Copies": resource("AWS::S3::Bucket", BucketName="copies"), **replicating("arn:aws:s3:::copies")},
        ),
        # Twelve digits that are no account.
        ({}, {"More": resource("AWS::Logs::Any", LimitInBytes=107374182400)}),
        ({}, {"More": resource("AWS::Logs::Any", Id="00000000-0000-0000-0000-000000000000", Name=f"x-{FOREIGN}")}),
        ({}, {"More": resource("AWS::Any::Any", Tags=[{"Key": "Owner", "Value": FOREIGN}])}),
        ({}, {"More": resource("AWS::Any::Any", Description=f"of {FOREIGN}", AlarmDescription=FOREIGN)}),
        ({}, {"More": resource("AWS::Any::Any", Parameters={"projection.range": "202401010000,202612312359"})}),
        # AWS's own layer.
        (
            {},
            {
                "More": resource(
                    "AWS::Lambda::Function", Layers=["arn:aws:lambda:us-east-1:017000801446:layer:Powertools:1"]
                )
            },
        ),
        # What CDK deploys from.
        (
            {},
            {
                "More": resource(
                    "AWS::Glue::Job", Command={"ScriptLocation": f"s3://cdk-hnb659fds-assets-{OWN}-us-east-1/x.py"}
                )
            },
        ),
        ({}, {"More": resource("AWS::Lambda::Function", Code={"S3Bucket": f"cdk-x-assets-{OWN}-us-east-1"})}),
        (
            {},
            {
                "Made": resource("AWS::S3::Bucket", BucketName="made-here"),
                "More": resource("AWS::CloudFront::Any", Bucket={"Fn::GetAtt": ["Made", "RegionalDomainName"]}),
                "Else": resource("AWS::CloudFront::Any", Bucket="made-here.s3.amazonaws.com"),
            },
        ),
        # Buckets that the base names by their names, and that either side makes.
        (
            {"One": resource("AWS::Any::Any", Where="known-bucket")},
            {
                "One": resource("AWS::Any::Any", Where="known-bucket"),
                "More": resource("AWS::CloudTrail::Trail", IsLogging=True, S3BucketName="known-bucket"),
            },
        ),
        (
            {},
            {
                "Made": resource("AWS::S3::Bucket", BucketName="made-here"),
                "More": resource("AWS::CloudTrail::Trail", IsLogging=True, S3BucketName={"Ref": "Made"}),
            },
        ),
    ],
)
def test_who_is_known_or_is_nobody_is_not_objected_to(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert not [each for each in objections(before, after) if each[0].startswith("names_outsider")]
