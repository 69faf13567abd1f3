"""Calls of the kinds that the real logs hold, made with parameters like theirs."""

import contextlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import jmespath  # type: ignore[import-untyped]
from botocore.exceptions import ClientError

from lab.instance import control
from lab.instance.control import SignIn
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory, make_client
from tests.lab.destination import make_bucket
from tests.lab.identities import keys_of

# Method and parameters of a call, and what of its result later ones need: {x} is replaced by what was kept as x.
Step = tuple[str, dict[str, Any]] | tuple[str, dict[str, Any], dict[str, str]]

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
TRUST_USERS = TRUST.replace('"Service": "ec2.amazonaws.com"', '"AWS": "arn:aws:iam::111122223333:root"')
TAGS = [{"Key": "k", "Value": "true"}]
ROLE, OTHER_ROLE, USER, BUCKET, TRAIL, SECRET, PARAMETER = (
    "shape-role",
    "shape-other-role",
    "shape-user",
    "shape-bucket",
    "shape-trail",
    "shape",
    "/shape",
)

SPECIFICATIONS = {
    kind: [{"ResourceType": kind, "Tags": TAGS}]
    for kind in (
        "vpc",
        "subnet",
        "internet-gateway",
        "route-table",
        "elastic-ip",
        "natgateway",
        "network-interface",
        "security-group",
        "volume",
        "snapshot",
        "instance",
        "vpc-flow-log",
    )
}
PERMISSION = {
    "IpProtocol": "tcp",
    "FromPort": 443,
    "ToPort": 443,
    "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "d"}],
}
ALL_IPV4 = {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
ALL_PERMISSIONS = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
ABSENT = "i-0123456789abcdef0"


def _only(**values: str) -> list[dict[str, Any]]:
    return [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in values.items()]


EC2: list[Step] = [
    ("describe_account_attributes", {"AttributeNames": ["default-vpc"]}),
    ("describe_availability_zones", {"Filters": _only(state="available")}),
    ("create_vpc", {"CidrBlock": "10.9.0.0/16", "TagSpecifications": SPECIFICATIONS["vpc"]}, {"vpc": "Vpc.VpcId"}),
    ("describe_vpcs", {"VpcIds": ["{vpc}"]}),
    ("describe_vpcs", {"VpcIds": ["vpc-0123456789abcdef0"]}),
    ("describe_vpc_attribute", {"VpcId": "{vpc}", "Attribute": "enableDnsSupport"}),
    ("describe_vpc_classic_link", {"VpcIds": ["{vpc}"]}),
    ("describe_vpc_classic_link_dns_support", {"VpcIds": ["{vpc}"]}),
    (
        "create_subnet",
        {
            "VpcId": "{vpc}",
            "CidrBlock": "10.9.1.0/24",
            "AvailabilityZone": "us-east-1a",
            "TagSpecifications": SPECIFICATIONS["subnet"],
        },
        {"subnet": "Subnet.SubnetId"},
    ),
    ("describe_subnets", {"SubnetIds": ["{subnet}"]}),
    ("describe_subnets", {"Filters": _only(vpc_id="{vpc}")}),
    (
        "create_internet_gateway",
        {"TagSpecifications": SPECIFICATIONS["internet-gateway"]},
        {"gateway": "InternetGateway.InternetGatewayId"},
    ),
    ("attach_internet_gateway", {"VpcId": "{vpc}", "InternetGatewayId": "{gateway}"}),
    ("describe_internet_gateways", {"InternetGatewayIds": ["{gateway}"]}),
    (
        "create_route_table",
        {"VpcId": "{vpc}", "TagSpecifications": SPECIFICATIONS["route-table"]},
        {"table": "RouteTable.RouteTableId"},
    ),
    ("create_route", {"RouteTableId": "{table}", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "{gateway}"}),
    ("describe_route_tables", {"RouteTableIds": ["{table}"]}),
    ("describe_route_tables", {"Filters": _only(vpc_id="{vpc}")}),
    ("describe_route_tables", {"RouteTableIds": ["rtb-0123456789abcdef0"]}),
    ("associate_route_table", {"RouteTableId": "{table}", "SubnetId": "{subnet}"}, {"association": "AssociationId"}),
    (
        "allocate_address",
        {"Domain": "vpc", "TagSpecifications": SPECIFICATIONS["elastic-ip"]},
        {"address": "AllocationId"},
    ),
    ("describe_addresses", {"AllocationIds": ["{address}"]}),
    (
        "create_nat_gateway",
        {
            "AllocationId": "{address}",
            "SubnetId": "{subnet}",
            "ConnectivityType": "public",
            "TagSpecifications": [{"ResourceType": "natgateway", "Tags": [*TAGS, {"Key": "l", "Value": "m"}]}],
        },
        {"nat": "NatGateway.NatGatewayId"},
    ),
    ("describe_nat_gateways", {"NatGatewayIds": ["{nat}"]}),
    ("delete_nat_gateway", {"NatGatewayId": "{nat}"}),
    ("release_address", {"AllocationId": "{address}", "NetworkBorderGroup": "us-east-1"}),
    (
        "create_network_interface",
        {
            "SubnetId": "{subnet}",
            "PrivateIpAddresses": [{"PrivateIpAddress": "10.9.1.10", "Primary": True}],
            "TagSpecifications": SPECIFICATIONS["network-interface"],
        },
        {"interface": "NetworkInterface.NetworkInterfaceId"},
    ),
    ("describe_network_interfaces", {"NetworkInterfaceIds": ["{interface}"]}),
    ("detach_network_interface", {"AttachmentId": "eni-attach-0123456789abcdef0", "Force": True}),
    ("describe_network_acls", {"Filters": _only(vpc_id="{vpc}")}),
    (
        "create_security_group",
        {
            "GroupName": ROLE,
            "Description": "d",
            "VpcId": "{vpc}",
            "TagSpecifications": SPECIFICATIONS["security-group"],
        },
        {"group": "GroupId"},
    ),
    ("describe_security_groups", {"GroupIds": ["{group}"]}),
    ("describe_security_groups", {"Filters": _only(group_name="default", vpc_id="{vpc}")}),
    ("authorize_security_group_ingress", {"GroupId": "{group}", "IpPermissions": [PERMISSION]}),
    (
        "authorize_security_group_ingress",
        {"GroupId": "{group}", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"},
    ),
    (
        "revoke_security_group_ingress",
        {"GroupId": "{group}", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"},
    ),
    ("revoke_security_group_egress", {"GroupId": "{group}", "IpPermissions": [ALL_IPV4]}),
    ("authorize_security_group_egress", {"GroupId": "{group}", "IpPermissions": [ALL_PERMISSIONS]}),
    ("delete_security_group", {"GroupId": "{group}"}),
    (
        "create_flow_logs",
        {
            "ResourceIds": ["{vpc}"],
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "LogDestinationType": "cloud-watch-logs",
            "LogDestination": "arn:aws:logs:us-east-1:111122223333:log-group:g",
            "DeliverLogsPermissionArn": "arn:aws:iam::111122223333:role/r",
            "MaxAggregationInterval": 600,
            "TagSpecifications": SPECIFICATIONS["vpc-flow-log"],
        },
        {"flow": "FlowLogIds[0]"},
    ),
    ("describe_flow_logs", {"FlowLogIds": ["{flow}"]}),
    ("delete_flow_logs", {"FlowLogIds": ["{flow}"]}),
    (
        "create_volume",
        {"AvailabilityZone": "us-east-1a", "Size": 1, "TagSpecifications": SPECIFICATIONS["volume"]},
        {"volume": "VolumeId"},
    ),
    ("describe_volumes", {"VolumeIds": ["{volume}"]}),
    ("describe_volumes", {"VolumeIds": ["vol-0123456789abcdef0"]}),
    (
        "create_snapshot",
        {"VolumeId": "{volume}", "TagSpecifications": SPECIFICATIONS["snapshot"]},
        {"snapshot": "SnapshotId"},
    ),
    ("describe_snapshots", {"SnapshotIds": ["{snapshot}"]}),
    (
        "modify_snapshot_attribute",
        {
            "SnapshotId": "{snapshot}",
            "Attribute": "createVolumePermission",
            "CreateVolumePermission": {"Remove": [{"UserId": "012345678912"}]},
        },
    ),
    (
        "register_image",
        {
            "Name": ROLE,
            "Architecture": "x86_64",
            "RootDeviceName": "/dev/xvda",
            "SriovNetSupport": "simple",
            "EnaSupport": False,
            "BlockDeviceMappings": [
                {
                    "DeviceName": "/dev/xvda",
                    "Ebs": {
                        "SnapshotId": "{snapshot}",
                        "VolumeSize": 1,
                        "DeleteOnTermination": True,
                        "VolumeType": "standard",
                    },
                }
            ],
        },
        {"image": "ImageId"},
    ),
    ("create_tags", {"Resources": ["{image}"], "Tags": TAGS}),
    ("describe_tags", {"Filters": _only(resource_id="{image}")}),
    ("describe_images", {"ImageIds": ["{image}"]}),
    ("describe_images", {"Owners": ["amazon"], "Filters": _only(name="a*")}, {"public": "Images[0].ImageId"}),
    (
        "modify_image_attribute",
        {
            "ImageId": "{image}",
            "Attribute": "launchPermission",
            "LaunchPermission": {"Add": [{"UserId": "012345678912"}]},
        },
    ),
    ("delete_snapshot", {"SnapshotId": "{snapshot}"}),
    (
        "run_instances",
        {
            "ImageId": "{public}",
            "MinCount": 1,
            "MaxCount": 1,
            "InstanceType": "t3.micro",
            "NetworkInterfaces": [
                {"NetworkInterfaceId": "{interface}", "DeviceIndex": 0, "DeleteOnTermination": False}
            ],
            "HibernationOptions": {"Configured": False},
            "IamInstanceProfile": {"Name": ROLE},
            "TagSpecifications": SPECIFICATIONS["instance"],
            "CreditSpecification": {"CpuCredits": "unlimited"},
            "EbsOptimized": False,
        },
        {"instance": "Instances[0].InstanceId"},
    ),
    ("describe_instances", {"InstanceIds": ["{instance}"]}),
    ("describe_instance_attribute", {"InstanceId": "{instance}", "Attribute": "userData"}),
    ("describe_instance_credit_specifications", {"InstanceIds": ["{instance}"]}),
    ("modify_instance_attribute", {"InstanceId": "{instance}", "DisableApiTermination": {"Value": False}}),
    ("terminate_instances", {"InstanceIds": ["{instance}"]}),
    ("delete_network_interface", {"NetworkInterfaceId": "{interface}"}),
    ("disassociate_route_table", {"AssociationId": "{association}"}),
    ("delete_route", {"RouteTableId": "{table}", "DestinationCidrBlock": "0.0.0.0/0"}),
    ("delete_route_table", {"RouteTableId": "{table}"}),
    ("detach_internet_gateway", {"VpcId": "{vpc}", "InternetGatewayId": "{gateway}"}),
    ("delete_internet_gateway", {"InternetGatewayId": "{gateway}"}),
    ("delete_subnet", {"SubnetId": "{subnet}"}),
    ("delete_vpc", {"VpcId": "{vpc}"}),
    ("describe_vpc_endpoints", {"Filters": _only(vpc_id="{vpc}")}),
    ("describe_vpc_endpoint_service_configurations", {"MaxResults": 1000}),
]


# By service, in order.
CALLS: list[tuple[str, list[Step]]] = [
    (
        "sts",
        [
            ("get_caller_identity", {}),
            ("get_federation_token", {"Name": "shape", "Policy": POLICY}),
        ],
    ),
    (
        "iam",
        [
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
            ("tag_instance_profile", {"InstanceProfileName": ROLE, "Tags": TAGS}),
            ("add_role_to_instance_profile", {"InstanceProfileName": ROLE, "RoleName": ROLE}),
            ("get_instance_profile", {"InstanceProfileName": ROLE}),
            ("remove_role_from_instance_profile", {"InstanceProfileName": ROLE, "RoleName": ROLE}),
            ("delete_instance_profile", {"InstanceProfileName": ROLE}),
            ("list_instance_profiles_for_role", {"RoleName": ROLE}),
            ("delete_role", {"RoleName": ROLE}),
            ("create_role", {"RoleName": OTHER_ROLE, "AssumeRolePolicyDocument": TRUST_USERS}, {"role": "Role.Arn"}),
            ("get_user", {}),
            ("list_users", {}),
            ("get_account_summary", {}),
            ("get_account_authorization_details", {}),
            ("list_mfa_devices", {}),
            ("list_ssh_public_keys", {}),
            ("create_user", {"UserName": USER, "Tags": TAGS}),
            ("attach_user_policy", {"UserName": USER, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
            ("create_access_key", {"UserName": USER}),
            (
                "create_login_profile",
                {"UserName": USER, "Password": "a-Long_1-Password", "PasswordResetRequired": False},
            ),
            ("get_user", {"UserName": "absent"}),
            ("update_assume_role_policy", {"RoleName": OTHER_ROLE, "PolicyDocument": TRUST_USERS}),
            (
                "create_policy",
                {"PolicyName": ROLE, "Path": "/", "PolicyDocument": POLICY, "Description": "", "Tags": TAGS},
                {"policy": "Policy.Arn"},
            ),
            ("get_policy", {"PolicyArn": "{policy}"}),
            ("get_policy_version", {"PolicyArn": "{policy}", "VersionId": "v1"}),
            ("list_policy_versions", {"PolicyArn": "{policy}"}),
            ("list_entities_for_policy", {"PolicyArn": "{policy}"}),
            ("delete_policy", {"PolicyArn": "{policy}"}),
        ],
    ),
    (
        "s3",
        [
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
                {
                    "Bucket": BUCKET,
                    "Policy": POLICY.replace('"Effect"', '"Sid": "s", "Principal": {"AWS": "*"}, "Effect"'),
                },
            ),
            ("get_bucket_policy", {"Bucket": BUCKET}),
            ("get_bucket_policy_status", {"Bucket": BUCKET}),
            ("put_bucket_tagging", {"Bucket": BUCKET, "Tagging": {"TagSet": TAGS}}),
            (
                "put_bucket_lifecycle_configuration",
                {
                    "Bucket": BUCKET,
                    "LifecycleConfiguration": {
                        "Rules": [
                            {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "*"}, "Expiration": {"Days": 1}}
                        ]
                    },
                },
            ),
            ("delete_bucket_lifecycle", {"Bucket": BUCKET}),
            ("get_bucket_accelerate_configuration", {"Bucket": BUCKET}),
            ("get_bucket_cors", {"Bucket": BUCKET}),
            ("get_bucket_lifecycle_configuration", {"Bucket": BUCKET}),
            ("get_object_lock_configuration", {"Bucket": BUCKET}),
            ("get_bucket_policy_status", {"Bucket": BUCKET}),
            ("get_bucket_replication", {"Bucket": BUCKET}),
            ("get_bucket_request_payment", {"Bucket": BUCKET}),
            ("get_bucket_tagging", {"Bucket": BUCKET}),
            ("get_bucket_website", {"Bucket": BUCKET}),
            ("put_object", {"Bucket": BUCKET, "Key": "k"}),
            ("delete_bucket", {"Bucket": BUCKET}),
            ("delete_object", {"Bucket": BUCKET, "Key": "k"}),
            ("delete_bucket", {"Bucket": BUCKET}),
        ],
    ),
    (
        "cloudtrail",
        [
            (
                "create_trail",
                {"Name": TRAIL, "S3BucketName": "shape-logs", "IncludeGlobalServiceEvents": True, "TagsList": TAGS},
                {"trail": "TrailARN"},
            ),
            ("start_logging", {"Name": TRAIL}),
            ("list_tags", {"ResourceIdList": ["{trail}"]}),
            ("start_logging", {"Name": "absent"}),
            ("stop_logging", {"Name": "absent"}),
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
    ),
    (
        "secretsmanager",
        [
            ("create_secret", {"Name": SECRET, "Description": "d", "ForceOverwriteReplicaSecret": False}),
            ("put_secret_value", {"SecretId": SECRET, "SecretString": "s"}),
            ("get_secret_value", {"SecretId": SECRET}),
            ("describe_secret", {"SecretId": SECRET}),
            ("list_secrets", {"MaxResults": 100, "Filters": [{"Key": "tag-key", "Values": ["k"]}]}),
            ("batch_get_secret_value", {"Filters": [{"Key": "tag-key", "Values": ["k"]}]}),
            ("get_resource_policy", {"SecretId": SECRET}),
            ("delete_secret", {"SecretId": SECRET, "ForceDeleteWithoutRecovery": True}),
        ],
    ),
    (
        "ssm",
        [
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
            ("put_parameter", {"Name": f"{PARAMETER}-secret", "Value": "v", "Type": "SecureString"}),
            ("get_parameter", {"Name": f"{PARAMETER}-secret", "WithDecryption": True}),
            ("get_parameter", {"Name": PARAMETER, "WithDecryption": True}),
            ("get_parameters", {"Names": [PARAMETER, "/other"], "WithDecryption": True}),
            ("list_tags_for_resource", {"ResourceType": "Parameter", "ResourceId": PARAMETER}),
            ("describe_instance_information", {"Filters": [{"Key": "InstanceIds", "Values": ["i-1"]}]}),
            (
                "describe_parameters",
                {"ParameterFilters": [{"Key": "Name", "Option": "Equals", "Values": [PARAMETER]}], "Shared": False},
            ),
            ("delete_parameter", {"Name": PARAMETER}),
        ],
    ),
    ("ec2", EC2),
    (
        "logs",
        [
            ("create_log_group", {"logGroupName": ROLE, "tags": {"k": "v"}}),
            ("describe_log_groups", {"logGroupNamePrefix": ROLE}),
            ("list_tags_log_group", {"logGroupName": ROLE}),
            ("delete_log_group", {"logGroupName": ROLE}),
        ],
    ),
    ("sts", [("assume_role", {"RoleArn": "{role}", "RoleSessionName": "shape", "DurationSeconds": 900})]),
    ("route53", [("list_hosted_zones", {})]),
    (
        "kms",
        [
            ("encrypt", {"KeyId": "{key}", "Plaintext": b"p"}),
            ("generate_data_key", {"KeyId": "{key}", "KeySpec": "AES_256"}),
        ],
    ),
]


# What fails for a user.
FAILING: list[tuple[str, list[Step]]] = [
    (
        "ssm",
        [
            ("put_parameter", {"Name": "/failing", "Value": "v", "Type": "String"}),
            ("put_parameter", {"Name": "/failing", "Value": "v", "Type": "String"}),
            ("delete_parameter", {"Name": "/absent"}),
            (
                "send_command",
                {
                    "DocumentName": "AWS-RunShellScript",
                    "InstanceIds": [ABSENT],
                    "Parameters": {"commands": ["id"]},
                },
            ),
            (
                "get_command_invocation",
                {"CommandId": "bbf52fc0-1a25-4020-b1b4-1872ff8edd12", "InstanceId": ABSENT},
            ),
            ("start_session", {"Target": ABSENT}),
        ],
    ),
    ("sts", [("assume_role", {"RoleArn": "arn:aws:iam::111122223333:role/absent", "RoleSessionName": "shape"})]),
    ("iam", [("delete_login_profile", {"UserName": "absent"})]),
    (
        "ec2",
        [
            ("run_instances", {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1}),
            ("describe_route_tables", {"RouteTableIds": ["rtb-0123456789abcdef0"]}),
        ],
    ),
    ("s3", [("get_bucket_tagging", {"Bucket": "shape-logs"}), ("get_public_access_block", {"Bucket": "absent-shape"})]),
]
# What a role may not do, that of somebody else and that of an instance.
FORBIDDEN: list[tuple[str, list[Step]]] = [
    ("sts", [("get_caller_identity", {})]),
    ("ec2", [("get_password_data", {"InstanceId": ABSENT})]),
    ("ec2", [("describe_instance_attribute", {"InstanceId": ABSENT, "Attribute": "userData"})]),
    (
        "ec2",
        [
            (
                "run_instances",
                {
                    "ImageId": "ami-0123456789abcdef0",
                    "InstanceType": "p2.xlarge",
                    "MinCount": 1,
                    "MaxCount": 10,
                    "SubnetId": "subnet-1",
                },
            )
        ],
    ),
    ("ec2", [("describe_instances", {})]),
    ("organizations", [("leave_organization", {})]),
    ("s3", [("list_buckets", {})]),
]


def make_calls_of_sessions(lab: Lab, client: ClientFactory) -> None:
    """Makes calls as a role, as an instance, and as a federated user, and signs in to the console."""
    iam = client("iam")
    others = TRUST_USERS.replace("111122223333", lab.account)
    roles = {
        name: iam.create_role(RoleName=name, AssumeRolePolicyDocument=text)["Role"]["Arn"]
        for name, text in (("shape-of-users", others), ("shape-of-instances", TRUST))
    }
    reads = POLICY.replace("s3:*", "ec2:DescribeInstances")
    iam.put_role_policy(RoleName="shape-of-instances", PolicyName="p", PolicyDocument=reads)
    assumed = client("sts").assume_role(RoleArn=roles["shape-of-users"], RoleSessionName="shape")["Credentials"]
    federated = client("sts").get_federation_token(Name="shape")["Credentials"]
    instance = control.instance_credentials(lab, roles["shape-of-instances"], ABSENT)
    for keys in (assumed, instance, federated):
        make_steps(partial(make_client, lab, **keys_of(keys)), FORBIDDEN, {})
    make_steps(partial(make_client, lab, **keys_of(instance)), [("ec2", [("describe_instances", {})])], {})
    iam.create_login_profile(UserName="learner", Password="a-Long_1-Password")
    control.sign_in(lab, SignIn(lab.account, "learner"))
    iam.delete_login_profile(UserName="learner")  # other files' tests may share the lab, and count on there being none


def make_calls(client: ClientFactory) -> None:
    """Makes every call; some fail, as in the real logs."""
    make_bucket(client("s3"), "shape-logs")
    make_steps(client, FAILING, {})
    make_steps(client, CALLS, {"key": client("kms").create_key()["KeyMetadata"]["KeyId"]})


def make_steps(client: Callable[[str], Any], steps: list[tuple[str, list[Step]]], kept: dict[str, Any]) -> None:
    """Makes calls of services in their order."""
    for service, calls in steps:
        for method, parameters, *wanted in calls:
            with contextlib.suppress(ClientError):
                result = getattr(client(service), method)(**filled(parameters, kept))
                for name, path in (wanted[0] if wanted else {}).items():
                    kept[name] = jmespath.search(path, result)


def filled(value: Any, kept: dict[str, Any]) -> Any:
    """A parameter with what earlier calls returned in the place of its names."""
    if isinstance(value, dict):
        return {name: filled(each, kept) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, kept) for each in value]
    is_name = isinstance(value, str) and value.startswith("{") and value[1:-1] in kept
    return kept[value[1:-1]] if is_name else value
