"""Calls of the kinds that the real logs hold, made with parameters like theirs."""

import contextlib
import json
from typing import Any

from botocore.exceptions import ClientError

from tests.lab.conftest import ClientFactory
from tests.lab.destination import make_bucket

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
TAGS = [{"Key": "k", "Value": "v"}]
ROLE, USER, BUCKET, TRAIL, SECRET, PARAMETER = (
    "shape-role",
    "shape-user",
    "shape-bucket",
    "shape-trail",
    "shape",
    "/shape",
)

# Service, then method and parameters of each call, in order; {x} is what an earlier call returned.
CALLS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "sts": [("get_caller_identity", {})],
    "iam": [
        (
            "create_role",
            {
                "RoleName": ROLE,
                "AssumeRolePolicyDocument": TRUST,
                "Path": "/",
                "MaxSessionDuration": 3600,
                "Tags": TAGS,
            },
        ),
        ("get_role", {"RoleName": ROLE}),
        ("put_role_policy", {"RoleName": ROLE, "PolicyName": "p", "PolicyDocument": POLICY}),
        ("get_role_policy", {"RoleName": ROLE, "PolicyName": "p"}),
        ("list_role_policies", {"RoleName": ROLE}),
        ("list_attached_role_policies", {"RoleName": ROLE}),
        ("attach_role_policy", {"RoleName": ROLE, "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        ("detach_role_policy", {"RoleName": ROLE, "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        ("delete_role_policy", {"RoleName": ROLE, "PolicyName": "p"}),
        ("create_instance_profile", {"InstanceProfileName": ROLE, "Path": "/", "Tags": TAGS}),
        ("add_role_to_instance_profile", {"InstanceProfileName": ROLE, "RoleName": ROLE}),
        ("get_instance_profile", {"InstanceProfileName": ROLE}),
        ("remove_role_from_instance_profile", {"InstanceProfileName": ROLE, "RoleName": ROLE}),
        ("delete_instance_profile", {"InstanceProfileName": ROLE}),
        ("list_instance_profiles_for_role", {"RoleName": ROLE}),
        ("delete_role", {"RoleName": ROLE}),
        ("get_user", {}),
        ("list_users", {}),
        ("get_account_summary", {}),
    ],
    "s3": [
        ("create_bucket", {"Bucket": BUCKET, "ACL": "private"}),
        ("list_buckets", {}),
        ("get_bucket_acl", {"Bucket": BUCKET}),
        ("get_bucket_location", {"Bucket": BUCKET}),
        ("get_bucket_versioning", {"Bucket": BUCKET}),
        ("get_bucket_encryption", {"Bucket": BUCKET}),
        ("get_bucket_policy", {"Bucket": BUCKET}),
        ("get_bucket_logging", {"Bucket": BUCKET}),
        ("get_public_access_block", {"Bucket": BUCKET}),
        (
            "put_bucket_policy",
            {"Bucket": BUCKET, "Policy": POLICY.replace('"Effect"', '"Sid": "s", "Principal": {"AWS": "*"}, "Effect"')},
        ),
        ("put_bucket_tagging", {"Bucket": BUCKET, "Tagging": {"TagSet": TAGS}}),
        (
            "put_bucket_lifecycle_configuration",
            {
                "Bucket": BUCKET,
                "LifecycleConfiguration": {
                    "Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "*"}, "Expiration": {"Days": 1}}]
                },
            },
        ),
        ("delete_bucket_lifecycle", {"Bucket": BUCKET}),
        ("delete_bucket", {"Bucket": BUCKET}),
    ],
    "cloudtrail": [
        (
            "create_trail",
            {"Name": TRAIL, "S3BucketName": "shape-logs", "IncludeGlobalServiceEvents": True, "TagsList": TAGS},
        ),
        ("start_logging", {"Name": TRAIL}),
        ("describe_trails", {"trailNameList": [TRAIL]}),
        ("get_trail_status", {"Name": TRAIL}),
        (
            "put_event_selectors",
            {
                "TrailName": TRAIL,
                "EventSelectors": [
                    {
                        "ReadWriteType": "All",
                        "IncludeManagementEvents": True,
                        "DataResources": [],
                        "ExcludeManagementEventSources": [],
                    }
                ],
            },
        ),
        ("get_event_selectors", {"TrailName": TRAIL}),
        ("stop_logging", {"Name": TRAIL}),
        ("delete_trail", {"Name": TRAIL}),
        ("delete_trail", {"Name": TRAIL}),
    ],
    "secretsmanager": [
        ("create_secret", {"Name": SECRET, "Description": "d", "ForceOverwriteReplicaSecret": False}),
        ("put_secret_value", {"SecretId": SECRET, "SecretString": "s"}),
        ("get_secret_value", {"SecretId": SECRET}),
        ("describe_secret", {"SecretId": SECRET}),
        ("delete_secret", {"SecretId": SECRET, "ForceDeleteWithoutRecovery": True}),
    ],
    "ssm": [
        (
            "put_parameter",
            {
                "Name": PARAMETER,
                "Value": "v",
                "Type": "String",
                "AllowedPattern": "v",
                "Tags": TAGS,
                "Tier": "Standard",
            },
        ),
        ("get_parameter", {"Name": PARAMETER, "WithDecryption": True}),
        ("describe_parameters", {"Shared": False}),
        ("delete_parameter", {"Name": PARAMETER}),
    ],
    "ec2": [
        ("describe_vpcs", {}),
        ("describe_instances", {}),
        ("describe_route_tables", {}),
        ("describe_subnets", {}),
        ("describe_security_groups", {}),
        ("describe_availability_zones", {}),
        ("create_vpc", {"CidrBlock": "10.9.0.0/16"}),
    ],
    "kms": [
        ("encrypt", {"KeyId": "{key}", "Plaintext": b"p"}),
        ("generate_data_key", {"KeyId": "{key}", "KeySpec": "AES_256"}),
    ],
}


def make_calls(client: ClientFactory) -> None:
    """Makes every call; some fail, as in the real logs."""
    make_bucket(client("s3"), "shape-logs")
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    for service, calls in CALLS.items():
        for method, parameters in calls:
            filled = {name: key if value == "{key}" else value for name, value in parameters.items()}
            with contextlib.suppress(ClientError):
                getattr(client(service), method)(**filled)
