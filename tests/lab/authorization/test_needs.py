"""What calls need: an action for every operation of every service of the lab, or that it is not known."""

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from lab.authorization.needs import ApiCall, Need, Unknown
from lab.authorization.service_authorization import IAM_PREFIXES, prefix_of, reference
from lab.authorization.special_needs import needs_of
from lab.protocol import catalogue

ACCOUNT, REGION = "111122223333", "us-east-1"
SERVICES = [each for each in catalogue.services() if prefix_of(each.signing_name) in IAM_PREFIXES]
MOST_USED = ("cloudtrail", "iam", "kms", "lambda", "s3", "secretsmanager", "sns", "sqs", "ssm", "sts")
# Operations whose permission the reference does not name, by service: new ones, and those of parts that the lab lacks.
NOT_KNOWN = 130


class Nothing:
    """A `Lookup` of a lab that holds nothing."""

    def __getattr__(self, name: str) -> Any:
        if name in ("parameters_below", "secrets_found"):
            return lambda *_, **__: []
        if name == "named_key_arn":
            return lambda key: f"arn:aws:kms:{REGION}:{ACCOUNT}:{key}"
        if name == "handed_on":
            return lambda: ("", False)
        if name == "identity_role":
            return lambda *_, **__: ("", "", "")
        return lambda *_: name == "has_object" if name in ("has_object", "uses_bucket_key") else ""


def needs(service: str, operation: str, parameters: Mapping[str, Any], **settings: Any) -> list[Need]:
    prefix = prefix_of(str(catalogue.service_model(service).signing_name))
    call = ApiCall(service, prefix, operation, parameters, ACCOUNT, REGION, **settings)
    return list(needs_of(call, Nothing()))


def example(shape: Shape | None, chance: random.Random, depth: int = 0) -> Any:
    if isinstance(shape, StructureShape):
        if depth > 3:
            return {}
        return {name: example(each, chance, depth + 1) for name, each in shape.members.items()}
    if isinstance(shape, ListShape):
        return [example(shape.member, chance, depth + 1)]
    if isinstance(shape, MapShape):
        return {"key": example(shape.value, chance, depth + 1)}
    kind = shape.type_name if shape else "string"
    values: dict[str, Any] = {"boolean": True, "integer": 1, "long": 1, "float": 1.0, "double": 1.0, "blob": b"x"}
    return values.get(kind, chance.choice(["name", f"arn:aws:iam::{ACCOUNT}:role/r", "a/b:c", "arn:aws:s3:::b", ""]))


def asked(service: str) -> tuple[int, list[str]]:
    """How many operations of a service are known, and which are not."""
    chance, known, unknown = random.Random(service), 0, []  # noqa: S311 - the same every time
    model = catalogue.service_model(service)
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        for parameters in ({}, example(shape, chance) if shape else {}):
            try:
                found = needs(service, name, parameters, method="GET", path="/x")
            except Unknown:
                unknown.append(name)
                break
            for each in found:
                prefix, _, action = each.action.partition(":")
                of_service = reference(prefix)
                assert of_service, each
                assert action.lower() in of_service.actions, (service, name, each)
                assert each.resource, (service, name, each)
        else:
            known += 1
    return known, unknown


@pytest.mark.parametrize("service", MOST_USED)
def test_every_operation_of_the_services_that_matter_has_its_actions(service: str) -> None:
    _, unknown = asked(service)

    assert set(unknown) <= {
        "AcquireRole",
        "CreateBucketMetadataConfiguration",
        "CreateBucketMetadataTableConfiguration",
        "CreateSession",
        "DeleteBucketMetadataConfiguration",
        "DeleteBucketMetadataTableConfiguration",
        "DeleteObjectAnnotation",
        "GetBucketAbac",
        "GetBucketMetadataConfiguration",
        "GetBucketMetadataTableConfiguration",
        "GetObjectAnnotation",
        "ListDirectoryBuckets",
        "ListInsightsMetricData",
        "ListObjectAnnotations",
        "PutBucketAbac",
        "PutObjectAnnotation",
        "RenameObject",
        "UpdateBucketMetadataAnnotationTableConfiguration",
        "UpdateBucketMetadataInventoryTableConfiguration",
        "UpdateBucketMetadataJournalTableConfiguration",
        "UpdateDelegationRequest",
        "UpdateObjectEncryption",
        "WriteGetObjectResponse",
    }


@pytest.mark.slow
def test_every_operation_of_every_service_has_actions_or_is_said_to_be_unknown() -> None:
    found = {each.name: asked(each.name) for each in SERVICES}

    assert sum(known for known, _ in found.values()) > 5000
    assert sum(len(unknown) for _, unknown in found.values()) < NOT_KNOWN


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "wanted"),
    [
        ("s3", "ListBuckets", {}, [("s3:ListAllMyBuckets", "arn:aws:s3:::*")]),
        ("s3", "HeadObject", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::b/k")]),
        ("s3", "ListObjectsV2", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("s3", "UploadPart", {"Bucket": "b", "Key": "k"}, [("s3:PutObject", "arn:aws:s3:::b/k")]),
        ("s3", "DeleteBucketEncryption", {"Bucket": "b"}, [("s3:PutEncryptionConfiguration", "arn:aws:s3:::b")]),
        ("s3", "GetPublicAccessBlock", {"Bucket": "b"}, [("s3:GetBucketPublicAccessBlock", "arn:aws:s3:::b")]),
        ("cloudtrail", "StopLogging", {"Name": "t"}, [("cloudtrail:StopLogging", "arn:aws:cloudtrail:@:trail/t")]),
        ("cloudtrail", "DescribeTrails", {}, [("cloudtrail:DescribeTrails", "*")]),
        ("sqs", "SendMessageBatch", {"QueueUrl": f"http://x/{ACCOUNT}/q"}, [("sqs:SendMessage", "arn:aws:sqs:@:q")]),
        ("lambda", "Invoke", {"FunctionName": "f"}, [("lambda:InvokeFunction", "arn:aws:lambda:@:function:f")]),
        (
            "lambda",
            "InvokeAsync",
            {"FunctionName": "f"},
            [(f"lambda:{action}", "arn:aws:lambda:@:function:f") for action in ("InvokeFunction", "InvokeAsync")],
        ),
        (
            "ec2",
            "TerminateInstances",
            {"InstanceIds": ["i-1"]},
            [("ec2:TerminateInstances", "arn:aws:ec2:@:instance/i-1")],
        ),
        (
            "ssm",
            "GetParameters",
            {"Names": ["/a", "b"]},
            [("ssm:GetParameters", f"arn:aws:ssm:@:parameter/{n}") for n in "ab"],
        ),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::1:role/r"}, [("sts:AssumeRole", "arn:aws:iam::1:role/r")]),
        ("sts", "GetCallerIdentity", {}, []),
        (
            "secretsmanager",
            "GetSecretValue",
            {"SecretId": "s"},
            [("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:@:secret:s")],
        ),
        (
            "cloudformation",
            "DeleteStack",
            {"StackName": "s"},
            [("cloudformation:DeleteStack", "arn:aws:cloudformation:@:stack/s/*")],
        ),
        (
            "cloudwatch",
            "PutMetricAlarm",
            {"AlarmName": "a"},
            [("cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:@:alarm:a")],
        ),
        ("events", "PutRule", {"Name": "r"}, [("events:PutRule", "arn:aws:events:@:rule/r")]),
    ],
)
def test_calls_need_actions_on_the_resources_they_name(
    service: str, operation: str, parameters: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    found = [(each.action, each.resource) for each in needs(service, operation, parameters)]

    assert found == [(action, resource.replace("@", f"{REGION}:{ACCOUNT}")) for action, resource in wanted]


STREAM = "arn:aws:kinesis:@:stream/"
TABLE = "arn:aws:dynamodb:@:table/"


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "resource"),
    [
        ("kinesis", "PutRecord", {"StreamName": "secret", "PartitionKey": f"{STREAM}mine", "Data": b""}, STREAM),
        ("firehose", "PutRecord", {"DeliveryStreamName": "secret", "Record": {"Data": "arn:aws:firehose:@:x"}}, ""),
    ],
)
def test_an_arn_in_data_takes_the_place_of_no_name(
    service: str, operation: str, parameters: dict[str, Any], resource: str
) -> None:
    parameters = json.loads(json.dumps(parameters, default=str).replace("@", f"{REGION}:{ACCOUNT}"))
    wanted = resource.replace("@", f"{REGION}:{ACCOUNT}")

    assert any(each.resource.endswith(f"{wanted or '/'}secret") for each in needs(service, operation, parameters))


def test_a_resource_by_arn_is_not_all_of_its_kind_as_well() -> None:
    service = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/c/s"

    found = needs("ecs", "UpdateService", {"cluster": "c", "service": service})

    assert f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/c/*" not in [each.resource for each in found]


ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


def nested(depth: int, value: Any) -> Any:
    for _ in range(depth):
        value = {"inner": value}
    return value


def test_a_role_is_found_behind_however_many_values_and_however_deep() -> None:
    many = {"StateMachineName": "x", "definition": {"d": ["x"] * 500}, "roleArn": ROLE}
    deep = {"name": "x", "more": nested(20, {"roleArn": ROLE})}

    for parameters in (many, deep):
        assert ROLE in [each.resource for each in needs("stepfunctions", "CreateStateMachine", parameters)]
    with pytest.raises(Unknown):
        needs("stepfunctions", "CreateStateMachine", {"name": "x", "more": nested(40, {"roleArn": ROLE})})


class OneRole(Nothing):
    """A `Lookup` of a lab that holds a role `r` and an instance profile `p` with it."""

    def iam_arn(self, kind: str, name: str, _account: str) -> str:
        return ROLE if (kind, name) == ("role", "r") else ""

    def role_of_instance_profile(self, name: str) -> str:
        return ROLE if name.rpartition("/")[2] == "p" else ""


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("autoscaling", "CreateLaunchConfiguration", {"LaunchConfigurationName": "l", "IamInstanceProfile": "p"}),
        ("ec2", "RunInstances", {"ImageId": "ami-1", "IamInstanceProfile": {"Name": "p"}}),
        (
            "ec2",
            "CreateLaunchTemplate",
            {"LaunchTemplateData": {"IamInstanceProfile": {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/p"}}},
        ),
        ("ecs", "RegisterTaskDefinition", {"family": "f", "taskRoleArn": "r"}),
        ("emr", "RunJobFlow", {"Name": "n", "JobFlowRole": "p"}),
        ("emr", "RunJobFlow", {"Name": "n", "ServiceRole": "r"}),
        ("apigateway", "PutIntegration", {"restApiId": "a", "credentials": ROLE}),
        (
            "apigateway",
            "UpdateIntegration",
            {"restApiId": "a", "patchOperations": [{"op": "replace", "path": "/credentials", "value": ROLE}]},
        ),
        ("apigatewayv2", "CreateIntegration", {"ApiId": "a", "CredentialsArn": ROLE}),
        ("cognito-identity", "SetIdentityPoolRoles", {"IdentityPoolId": "p", "Roles": {"authenticated": ROLE}}),
        ("cognito-idp", "CreateUserPool", {"PoolName": "p", "SmsConfiguration": {"SnsCallerArn": ROLE}}),
    ],
)
def test_a_role_is_given_by_name_profile_or_credentials_too(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    prefix = prefix_of(str(catalogue.service_model(service).signing_name))
    call = ApiCall(service, prefix, operation, parameters, ACCOUNT, REGION, method="POST", path="/x")

    assert ("iam:PassRole", ROLE) in [(each.action, each.resource) for each in needs_of(call, OneRole())]


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("eks", "CreateAccessEntry", {"clusterName": "c", "principalArn": ROLE}),
        ("resourcegroupstaggingapi", "TagResources", {"ResourceARNList": [ROLE], "Tags": {"a": "b"}}),
        ("sns", "Publish", {"TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t", "Message": ROLE}),
        ("lambda", "UpdateFunctionConfiguration", {"FunctionName": "f", "Environment": {"Variables": {"role": ROLE}}}),
        ("s3", "PutObject", {"Bucket": "b", "Key": "k"}),
    ],
)
def test_who_only_names_a_role_gives_it_to_nobody(service: str, operation: str, parameters: dict[str, Any]) -> None:
    assert "iam:PassRole" not in [each.action for each in needs(service, operation, parameters)]


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("SELECT * FROM music", "music"),
        ('SELECT * FROM "my.table"', "my.table"),
        ('select a from "music"."by-artist" where b = \'x\'', "music"),
        ("SELECT * FROM \"music\" WHERE a = ' from mine '", "music"),
        ('SELECT " from mine" FROM "music"', "music"),
        ("INSERT INTO music VALUE {'a': 'b'}", "music"),
        ('UPDATE "music" SET a = 1', "music"),
        ("DELETE FROM music WHERE a = 1", "music"),
    ],
)
def test_a_statement_of_partiql_needs_its_table(statement: str, table: str) -> None:
    [found] = needs("dynamodb", "ExecuteStatement", {"Statement": statement})

    assert found.resource == TABLE.replace("@", f"{REGION}:{ACCOUNT}") + table


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "SELECT * FROM a.b",
        "SELECT * FROM mine . b",
        "SELECT a FROM mine FROM music",
        "SELECT * /* ' */ FROM mine /* ' */",
        "SELECT a--' FROM mine\nFROM music",
        "FROM music SET a = 1",
        "SELECT * FROM 'music'",
        "SELECT * FROM",
        'SELECT * FROM "mu""sic"',
        'SELECT * FROM "music',
        "SELECT a 'FROM mine FROM music",
    ],
)
def test_a_statement_that_may_name_two_tables_is_not_known(statement: str) -> None:
    with pytest.raises(Unknown):
        needs("dynamodb", "ExecuteStatement", {"Statement": statement})


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("dynamodb", "BatchGetItem"),
        ("events", "PutEvents"),
        ("s3", "DeleteObjects"),
        ("secretsmanager", "BatchGetSecretValue"),
    ],
)
def test_a_call_about_nothing_needs_its_action_all_the_same(service: str, operation: str) -> None:
    assert needs(service, operation, {})


def test_what_a_call_sends_into_is_not_made_by_it() -> None:
    [sent] = needs("sns", "Publish", {"PhoneNumber": "+1"})
    [made] = needs("ec2", "CreateVpc", {})

    assert (sent.is_resource_known, made.is_resource_known) == (False, True)


def test_what_is_no_url_names_no_queue() -> None:
    with pytest.raises(Unknown):
        needs("sqs", "SendMessage", {"QueueUrl": "http://[x"})


EC2, RDS = f"arn:aws:ec2:{REGION}:{ACCOUNT}", f"arn:aws:rds:{REGION}:{ACCOUNT}"
GROUPS = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName"
TASKS = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition"
OTHER_GROUP = [{"UserIdGroupPairs": [{"GroupId": "sg-2"}]}]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "resource"),
    [
        ("ec2", "CreateTags", {"Resources": ["vpc-1"], "Tags": [{"Key": "k", "Value": "v"}]}, f"{EC2}:vpc/vpc-1"),
        ("ec2", "CreateTags", {"Resources": ["ami-1"], "Tags": []}, f"arn:aws:ec2:{REGION}::image/ami-1"),
        ("ec2", "CreateKeyPair", {"KeyName": "dev-1"}, f"{EC2}:key-pair/dev-1"),
        ("ec2", "DeleteKeyPair", {"KeyName": "dev-1"}, f"{EC2}:key-pair/dev-1"),
        (
            "ec2",
            "AuthorizeSecurityGroupIngress",
            {"GroupId": "sg-1", "IpPermissions": OTHER_GROUP},
            f"{EC2}:security-group/sg-1",
        ),
        ("ec2", "RevokeSecurityGroupEgress", {"GroupId": "sg-1"}, f"{EC2}:security-group/sg-1"),
        ("ec2", "DeleteSecurityGroup", {"GroupId": "sg-1"}, f"{EC2}:security-group/sg-1"),
        ("rds", "CreateDBCluster", {"DBClusterIdentifier": "dev-c"}, f"{RDS}:cluster:dev-c"),
        ("rds", "DeleteDBCluster", {"DBClusterIdentifier": "dev-c"}, f"{RDS}:cluster:dev-c"),
        ("rds", "CreateDBParameterGroup", {"DBParameterGroupName": "dev-p"}, f"{RDS}:pg:dev-p"),
        ("autoscaling", "CreateAutoScalingGroup", {"AutoScalingGroupName": "dev-g"}, f"{GROUPS}/dev-g"),
        (
            "autoscaling",
            "CreateOrUpdateTags",
            {"Tags": [{"ResourceId": "dev-g", "ResourceType": "auto-scaling-group", "Key": "k"}]},
            f"{GROUPS}/dev-g",
        ),
        ("ecs", "RunTask", {"cluster": "c", "taskDefinition": "dev:1"}, f"{TASKS}/dev:1"),
        ("ecs", "RunTask", {"cluster": "c", "taskDefinition": "dev"}, f"{TASKS}/dev:*"),
    ],
)
def test_what_is_called_otherwise_than_in_its_arn_is_found(
    service: str, operation: str, parameters: dict[str, Any], resource: str
) -> None:
    found = needs(service, operation, parameters)

    assert [(each.resource, each.is_resource_known) for each in found] == [(resource, True)]


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("ec2", "CreateTags", {"Resources": ["new-1"]}),
        ("ec2", "DeleteKeyPair", {"KeyPairId": "key-1"}),
        ("ec2", "DisassociateRouteTable", {"AssociationId": "rtbassoc-1"}),
        ("rds", "CreateDBParameterGroup", {}),
    ],
)
def test_a_change_of_what_is_not_known_may_be_of_anything(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    assert [each.is_resource_known for each in needs(service, operation, parameters)] == [False]


def test_every_type_of_resource_has_the_format_of_its_arns() -> None:
    lacking = {
        (prefix, kind)
        for prefix in IAM_PREFIXES
        if (about := reference(prefix))
        for action in about.actions.values()
        for kind, _ in action.resources
        if kind not in about.arn_formats
    }

    assert not lacking


TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:t"


@pytest.mark.parametrize("member", ["TopicArn", "TargetArn"])
def test_a_message_needs_its_topic_and_the_key_of_that_alone(member: str) -> None:
    class Encrypted(Nothing):
        def encryption_key(self, _service: str, resource: str) -> str:
            return "the key" if resource == TOPIC else ""

    given = {member: TOPIC, "Message": f"{TOPIC}-2 was deleted"}
    found = needs_of(ApiCall("sns", "sns", "Publish", given, ACCOUNT, REGION), Encrypted())

    assert [(each.action, each.resource) for each in found] == [
        ("sns:Publish", TOPIC),
        ("kms:GenerateDataKey", "the key"),
        ("kms:Decrypt", "the key"),
    ]


@pytest.mark.parametrize("name", ["f", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"])
def test_a_mapping_of_events_is_for_a_function(name: str) -> None:
    [found] = needs("lambda", "CreateEventSourceMapping", {"FunctionName": name})

    assert found.keys == {"lambda:functionarn": (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f",)}


TAGS = [{"Key": "team", "Value": "blue"}]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "action", "resource"),
    [
        ("sns", "CreateTopic", {"Name": "t", "Tags": TAGS}, "sns:TagResource", TOPIC),
        ("sqs", "CreateQueue", {"QueueName": "q", "tags": {"a": "b"}}, "sqs:TagQueue", "sqs:@:q"),
        ("iam", "CreateUser", {"UserName": "u", "Tags": TAGS}, "iam:TagUser", f"iam::{ACCOUNT}:user/u"),
        ("kms", "CreateKey", {"Tags": [{"TagKey": "a", "TagValue": "b"}]}, "kms:TagResource", "*"),
        ("secretsmanager", "CreateSecret", {"Name": "s", "Tags": TAGS}, "secretsmanager:TagResource", "secret:s"),
        ("dynamodb", "CreateTable", {"TableName": "t", "Tags": TAGS}, "dynamodb:TagResource", "table/t"),
        (
            "logs",
            "CreateLogGroup",
            {"logGroupName": "g", "tags": {"a": "b"}},
            "logs:TagResource",
            ":log-group:g:log-stream:",
        ),
        ("ssm", "PutParameter", {"Name": "p", "Tags": TAGS}, "ssm:AddTagsToResource", "parameter/p"),
        ("events", "PutRule", {"Name": "r", "Tags": TAGS}, "events:TagResource", "rule/r"),
        (
            "ec2",
            "CreateSecurityGroup",
            {"GroupName": "g", "TagSpecifications": [{"ResourceType": "security-group", "Tags": TAGS}]},
            "ec2:CreateTags",
            "security-group/*",
        ),
        ("resourcegroupstaggingapi", "TagResources", {"ResourceARNList": [TOPIC]}, "sns:TagResource", TOPIC),
        ("resourcegroupstaggingapi", "UntagResources", {"ResourceARNList": [ROLE]}, "iam:UntagRole", ROLE),
    ],
)
def test_who_sets_tags_must_be_allowed_to_tag(
    service: str, operation: str, parameters: dict[str, Any], action: str, resource: str
) -> None:
    found = {each.action: each.resource for each in needs(service, operation, parameters)}

    assert found[action].endswith(resource.replace("@", f"{REGION}:{ACCOUNT}"))


class OneKey(Nothing):
    """A `Lookup` of a lab that holds a key, which encrypts the parameter `/n/a`."""

    def named_key_arn(self, name: str) -> str:
        return "the key" if name == "alias/k" else ""

    def parameters_below(self, path: str, *, is_recursive: bool) -> list[str]:
        return ["/n/a", "/n/b"] if path == "/n" and is_recursive else []

    def encryption_key(self, _service: str, resource: str) -> str:
        return "the key" if resource.endswith(":parameter/n/a") else ""


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "wanted"),
    [
        ("ssm", "PutParameter", {"Name": "n", "Type": "SecureString", "KeyId": "alias/k"}, ["kms:Encrypt"]),
        ("ssm", "PutParameter", {"Name": "n", "Type": "String", "KeyId": "alias/k"}, []),
        ("ssm", "PutParameter", {"Name": "n", "Type": "SecureString", "KeyId": "alias/aws/ssm"}, []),
        ("ssm", "GetParametersByPath", {"Path": "/n", "Recursive": True, "WithDecryption": True}, ["kms:Decrypt"]),
        ("ssm", "GetParametersByPath", {"Path": "/n", "Recursive": True}, []),
        ("ssm", "GetParameter", {"Name": "/n/a", "WithDecryption": "true"}, ["kms:Decrypt"]),
        (
            "secretsmanager",
            "CreateSecret",
            {"Name": "n", "KmsKeyId": "alias/k"},
            ["kms:GenerateDataKey", "kms:Decrypt"],
        ),
        (
            "secretsmanager",
            "UpdateSecret",
            {"SecretId": "n", "KmsKeyId": "alias/k"},
            ["kms:GenerateDataKey", "kms:Decrypt"],
        ),
        ("secretsmanager", "UpdateSecret", {"SecretId": "n", "Description": "d"}, []),
    ],
)
def test_a_key_that_a_call_names_for_a_secret_is_needed(
    service: str, operation: str, parameters: dict[str, Any], wanted: list[str]
) -> None:
    prefix = prefix_of(str(catalogue.service_model(service).signing_name))
    found = needs_of(ApiCall(service, prefix, operation, parameters, ACCOUNT, REGION), OneKey())

    assert [each.action for each in found if each.resource == "the key"] == wanted
