"""The lab's records beside the real ones, field by field: every difference that is left, and why."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

from lab.instance import control
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory
from tests.lab.delivery.activity import make_calls, make_calls_of_sessions
from tests.lab.destination import make_bucket
from tests.lab.real_logs import detonations, real_records

BUCKET, TRAIL = "real-logs", "real-logs"
# Service, name, by whom, and whether it failed.
Event = tuple[str, str, str, bool]

_NEWER = "newer than the real logs"

# By event ("*" for all, "ec2:*" for a service's, "by AssumedRole" for a kind of caller's) and the beginning of a
# field's path: fields that every real record of the event has and no record of the lab.
MISSING = {
    ("*", "tlsDetails.cipherSuite"): "the lab speaks plain HTTP on loopback",
    ("*", "tlsDetails.tlsVersion"): "the lab speaks plain HTTP on loopback",
    ("s3:*", "additionalEventData.CipherSuite"): "the lab speaks plain HTTP on loopback",
    ("by IAMUser for AWS Internal", "resources"): "the lab does not have the keys that AWS manages",
    ("by IAMUser for secretsmanager.amazonaws.com", "resources"): "the lab does not have the keys that AWS manages",
    ("by IAMUser for secretsmanager.amazonaws.com", "vpcEndpointId"): "the real calls came from an endpoint of a VPC",
    ("by AWSService for cloudtrail.amazonaws.com", "additionalEventData.x-amz-id-2"): "nothing is asked over HTTP",
    ("signin:ConsoleLogin", "tlsDetails"): "nobody connects to a console of the lab",
    ("ec2:AllocateAddress", "responseElements.networkBorderGroup"): "MiniStack leaves it out",
    ("ec2:AllocateAddress", "responseElements.publicIpv4Pool"): "MiniStack leaves it out",
    ("ec2:AssociateRouteTable", "responseElements.associationState"): "MiniStack leaves it out",
    ("ec2:CreateFlowLogs", "responseElements.CreateFlowLogsResponse.clientToken"): "MiniStack leaves it out",
    ("ec2:CreateInternetGateway", "responseElements.internetGateway.association"): "no model has it",
    ("ec2:CreateNatGateway", "responseElements.CreateNatGatewayResponse.clientToken"): "MiniStack leaves it out",
    (
        "ec2:CreateNatGateway",
        "responseElements.CreateNatGatewayResponse.natGateway.natGatewayAddressSet.",
    ): "MiniStack leaves it empty",
    ("ec2:CreateNetworkInterface", "responseElements.networkInterface.ipv6AddressesSet"): "MiniStack leaves it out",
    ("ec2:CreateNetworkInterface", "responseElements.networkInterface.requester"): "MiniStack leaves it out",
    ("ec2:CreateNetworkInterface", "responseElements.networkInterface.tagSet."): "MiniStack leaves it empty",
    ("ec2:CreateSecurityGroup", "responseElements.tagSet"): "MiniStack leaves it out",
    (
        "ec2:CreateSubnet",
        "responseElements.subnet.ipv6CidrBlockAssociationSet",
    ): "MiniStack leaves it out when it is empty",
    ("ec2:CreateVolume", "responseElements.iops"): "MiniStack leaves it out",
    ("ec2:DescribeVpcEndpoints", "userIdentity.sessionContext"): "the real calls came from the console",
    ("ec2:DescribeVpcEndpoints", "sessionCredentialFromConsole"): "the real calls came from the console",
    ("ec2:DisassociateRouteTable", "responseElements.associationState"): "MiniStack leaves it out",
    ("ec2:RunInstances", "responseElements.instancesSet.items[]."): "MiniStack has fewer attributes of an instance",
    ("s3:GetBucketPolicyStatus", "userIdentity.sessionContext"): "the real calls came from the console",
    ("s3:GetBucketPolicyStatus", "vpcEndpointId"): "the real calls came from the console",
    ("ec2:CreateVpc", "responseElements.vpc.ipv6CidrBlockAssociationSet"): "MiniStack leaves it out when it is empty",
    ("s3:GetBucketPublicAccessBlock", "userIdentity.sessionContext"): "the real calls came from the console",
    ("s3:GetBucketPublicAccessBlock", "vpcEndpointId"): "the real calls came from the console",
    ("s3:ListBuckets", "userIdentity.sessionContext"): "the real calls came from the console",
    ("s3:ListBuckets", "vpcEndpointId"): "the real calls came from the console",
    ("ssm:PutParameter", "requestParameters.overwrite"): "AWS writes the default of a parameter that was left out",
    ("ssm:SendCommand", "requestParameters.interactive"): "AWS writes the default of a parameter that was left out",
}
# Fields that the lab has and no real record of the event.
EXTRA = {
    ("cloudtrail:CreateTrail", "responseElements.recursiveLogging"): _NEWER,
    ("iam:CreateRole", "responseElements.role.description"): "MiniStack answers with it, empty",
    ("iam:CreateRole", "responseElements.role.maxSessionDuration"): "MiniStack answers with it",
    ("s3:CreateBucket", "resources"): "AWS names a bucket's resource only once it exists",
    ("ec2:AuthorizeSecurityGroupEgress", "responseElements.securityGroupRuleSet.items[].securityGroupRuleArn"): _NEWER,
    ("ec2:AuthorizeSecurityGroupIngress", "responseElements.securityGroupRuleSet.items[].securityGroupRuleArn"): _NEWER,
    ("ec2:CreateNetworkInterface", "responseElements.networkInterface.description"): "MiniStack answers with it, empty",
    ("ec2:CreateRouteTable", "requestParameters.clientToken"): _NEWER,
    ("ec2:CreateSecurityGroup", "responseElements.securityGroupArn"): _NEWER,
    ("ec2:CreateSnapshot", "responseElements.description"): "MiniStack answers with it, empty",
    ("ec2:CreateSnapshot", "responseElements.progress"): "MiniStack answers with it",
    ("ec2:CreateSnapshot", "responseElements.storageTier"): _NEWER,
    ("ec2:CreateVolume", "responseElements.attachmentSet"): "MiniStack answers with it, empty",
    ("ec2:CreateVolume", "responseElements.snapshotId"): "MiniStack answers with it, empty",
    ("ec2:DeleteSecurityGroup", "responseElements.groupId"): _NEWER,
    ("ec2:DescribeVpcEndpoints", "tlsDetails"): "the real calls came from the console",
    ("ec2:RevokeSecurityGroupEgress", "responseElements.revokedSecurityGroupRuleSet"): _NEWER,
    ("ec2:RunInstances", "responseElements.instancesSet.items[]."): "MiniStack has them at once, AWS a little later",
    ("ssm:GetCommandInvocation", "errorMessage"): "MiniStack says what is wrong",
    ("by AssumedRole", "userIdentity.sessionContext.ec2RoleDelivery"): "the real calls came from no instance",
    ("sts:AssumeRole", "responseElements.packedPolicySize"): "MiniStack answers with it, without a policy",
}
# Below these, a field's name is data.
DOCUMENTS = ("requestParameters.bucketPolicy.", "requestParameters.tags.", "requestParameters.encryptionContext.")


# Paths of both whose values are of other types.
TYPES = {
    (
        "ec2:CreateNatGateway",
        "responseElements.CreateNatGatewayResponse.natGateway.natGatewayAddressSet",
    ): "MiniStack leaves it empty",
}

_NO_SERVICE = "the lab does not have the service"
_NO_OPERATION = "the lab answers with an error or without one where AWS did not"
_NO_EVENT = "the lab records no events of services that nobody called"
_NO_CALL = "not among the calls that are made here"
_NO_AGENT = "no instance runs, and so no agent on it"
# Real events that the lab's records here do not have.
ABSENT = {
    "account:GetRegionOptStatus": _NO_OPERATION,
    "by AssumedRole for inspector2.amazonaws.com": _NO_SERVICE,
    "by AWSService for inspector2.amazonaws.com": _NO_SERVICE,
    "ce:*": _NO_SERVICE,
    "ec2-instance-connect:*": _NO_SERVICE,
    "ec2:CreateVpc": _NO_OPERATION,
    "ec2:DescribeAccountAttributes": _NO_OPERATION,
    "ec2:DescribeRouteTables": _NO_OPERATION,
    "ec2:DescribeVpcEndpointServiceConfigurations": _NO_OPERATION,
    "ec2:DetachNetworkInterface": _NO_OPERATION,
    "ec2:ModifyInstanceAttribute": _NO_OPERATION,
    "ec2:RevokeSecurityGroupEgress": _NO_OPERATION,
    "ec2:RunInstances": _NO_OPERATION,
    "ec2:SharedSnapshotVolumeCreated": _NO_EVENT,
    "iam:ListSSHPublicKeys": _NO_OPERATION,
    "lambda:UpdateFunctionConfiguration20150331v2": _NO_CALL,
    "rds:ModifyDBSnapshotAttribute": _NO_CALL,
    "s3:GetAccountPublicAccessBlock": _NO_CALL,
    "s3:GetBucketPolicy": "a policy for everybody is refused where Block Public Access is on, as of new buckets",
    "s3:GetBucketPolicyStatus": "a policy for everybody is refused where Block Public Access is on, as of new buckets",
    "s3:GetStorageLensConfiguration": _NO_OPERATION,
    "s3:GetStorageLensDashboardDataInternal": _NO_OPERATION,
    "s3:ListAccessPoints": _NO_CALL,
    "secretsmanager:EndSecretVersionDelete": _NO_EVENT,
    "secretsmanager:StartSecretVersionDelete": _NO_EVENT,
    "ssm:GetCommandInvocation": _NO_AGENT,
    "ssm:GetDocument": _NO_AGENT,
    "ssm:ListInstanceAssociations": _NO_AGENT,
    "ssm:PutComplianceItems": _NO_AGENT,
    "ssm:PutInventory": _NO_AGENT,
    "ssm:SendCommand": _NO_AGENT,
    "ssm:StartSession": _NO_AGENT,
    "ssm:TerminateSession": _NO_AGENT,
    "ssm:UpdateInstanceAssociationStatus": _NO_AGENT,
    "ssm:UpdateInstanceInformation": _NO_AGENT,
    "health:*": _NO_SERVICE,
    "notifications:*": _NO_SERVICE,
    "resource-explorer-2:*": _NO_SERVICE,
    "rolesanywhere:*": _NO_SERVICE,
    "route53resolver:*": _NO_SERVICE,
    "securityhub:*": _NO_SERVICE,
    "servicecatalog-appregistry:*": _NO_SERVICE,
}


# Path and the type of its value, of one record.
Paths = set[tuple[str, str]]


def paths(value: Any, path: str = "") -> Paths:
    """Every path in a record, with [] for the elements of a list, and the type of what is there."""
    if isinstance(value, dict):
        members = {f"{path}.{name}" if path else name: each for name, each in value.items()}
        return {(name, type(each).__name__) for name, each in members.items()}.union(
            *(paths(each, name) for name, each in members.items())
        )
    if isinstance(value, list):
        elements = {(f"{path}[]", type(each).__name__) for each in value if not isinstance(each, dict | list)}
        return elements.union(*(paths(each, f"{path}[]") for each in value))
    return set()


def caller(record: dict[str, Any]) -> str:
    """The kind of identity, and the service that called for it; the kind of event where there is no identity."""
    identity = record["userIdentity"]
    kind = identity.get("type") or record["eventType"]
    return f"{kind} for {identity['invokedBy']}" if "invokedBy" in identity else str(kind)


def by_event(records: Iterable[dict[str, Any]]) -> dict[Event, list[Paths]]:
    found: dict[Event, list[Paths]] = defaultdict(list)
    for record in records:
        service = record["eventSource"].removesuffix(".amazonaws.com")
        event = service, record["eventName"], caller(record), "errorCode" in record
        found[event].append({each for each in paths(record) if not each[0].startswith(DOCUMENTS)})
    return found


def names(found: Paths) -> set[str]:
    return {path for path, _ in found if not path.endswith("[]")}


def union(found: list[Paths]) -> Paths:
    return Paths().union(*found)


def patterns(event: Event) -> tuple[str, ...]:
    service, name, by, _ = event
    return "*", f"{service}:*", f"{service}:{name}", f"by {by}"


def reasons(event: Event, path: str, table: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
    return [entry for entry in table if entry[0] in patterns(event) and path.startswith(entry[1])]


@pytest.fixture(scope="module")
def ours(lab: Lab, client: ClientFactory) -> dict[Event, list[Paths]]:
    make_bucket(client("s3"), BUCKET)
    client("cloudtrail").create_trail(Name=TRAIL, S3BucketName=BUCKET)
    client("cloudtrail").start_logging(Name=TRAIL)
    make_calls(client)
    make_calls_of_sessions(lab, client)
    control.deliver(lab)  # what CloudTrail calls itself for it comes with the next delivery
    client("cloudtrail").delete_trail(Name=TRAIL)
    control.deliver(lab)
    s3 = client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="AWSLogs")["Contents"]]
    bodies = [gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys]
    return by_event(record for body in bodies for record in json.loads(body)["Records"])


@pytest.fixture(scope="module")
def real() -> dict[Event, list[Paths]]:
    # The lab slows nobody down; of who is too fast, AWS records no parameters.
    records = (*real_records(), *detonations())
    return by_event(each for each in records if each.get("errorCode") != "ThrottlingException")


def test_there_are_many_events_to_compare(ours: dict[Event, list[Paths]], real: dict[Event, list[Paths]]) -> None:
    both = ours.keys() & real.keys()

    assert len(both) >= 140
    assert {by for _, _, by, _ in both} >= {
        "IAMUser",
        "AssumedRole",
        "FederatedUser",
        "AWSService for cloudtrail.amazonaws.com",
        "AWSService for ec2.amazonaws.com",
        "IAMUser for AWS Internal",
        "IAMUser for secretsmanager.amazonaws.com",
    }


def test_real_events_that_the_lab_does_not_record_here_are_listed(
    ours: dict[Event, list[Paths]], real: dict[Event, list[Paths]]
) -> None:
    absent = {event: ABSENT.keys() & set(patterns(event)) for event in real.keys() - ours.keys()}

    assert [event for event, found in absent.items() if not found] == []
    assert ABSENT.keys() - set().union(*absent.values()) == set()


def test_what_every_real_record_has_the_labs_have_too(
    ours: dict[Event, list[Paths]], real: dict[Event, list[Paths]]
) -> None:
    missing = {
        (event, path): reasons(event, path, MISSING)
        for event in ours.keys() & real.keys()
        for path in set.intersection(*map(names, real[event])) - names(union(ours[event]))
    }

    assert [key for key, found in missing.items() if not found] == []
    assert MISSING.keys() - {each for found in missing.values() for each in found} == set()


def test_the_labs_records_have_nothing_that_real_ones_never_have(
    ours: dict[Event, list[Paths]], real: dict[Event, list[Paths]]
) -> None:
    extra = {
        (event, path): reasons(event, path, EXTRA)
        for event in ours.keys() & real.keys()
        for path in names(union(ours[event])) - names(union(real[event]))
    }

    assert [key for key, found in extra.items() if not found] == []
    assert EXTRA.keys() - {each for found in extra.values() for each in found} == set()


def test_what_both_have_is_of_the_same_type(ours: dict[Event, list[Paths]], real: dict[Event, list[Paths]]) -> None:
    differing: dict[tuple[Event, str], list[tuple[str, str]]] = {}
    for event in ours.keys() & real.keys():
        known = union(real[event])
        both = names(known) & names(union(ours[event]))
        for path, kind in union(ours[event]) - known:
            if path in both and kind != "NoneType":
                differing[event, path] = reasons(event, path, TYPES)

    assert [key for key, found in differing.items() if not found] == []
    assert TYPES.keys() - {each for found in differing.values() for each in found} == set()
