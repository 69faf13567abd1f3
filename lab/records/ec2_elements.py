"""requestParameters and responseElements of EC2 calls, which CloudTrail writes in two forms of EC2's own.

Calls of EC2's first years appear as in its SOAP API: every list is a `Set` with `items`, whose scalars have names, and
a list that was left out is an empty one. Newer calls appear as the XML of the query API, under the name of the request
(`CreateFlowLogsRequest`), each element of a list with its number (`tag`). The exceptions are those that delivered log
files show.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/using-cloudtrail.html
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from lab.protocol.catalogue import service_model
from lab.records.elements import HIDDEN, guessed, is_secret

_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
# By the name that a list has on the wire. Other lists of calls are called after their elements: `vpcId` gives vpcIdSet.
_SETS = {
    "allocationId": "allocationIdsSet",
    "attributeName": "accountAttributeNameSet",
    "blockDeviceMapping": "blockDeviceMapping",
    "executableBy": "executableBySet",
    "groupId": "securityGroupIdSet",
    "groupName": "securityGroupSet",
    "imageId": "imagesSet",
    "instanceId": "instancesSet",
    "ipPermissions": "ipPermissions",
    "owner": "ownersSet",
    "privateIpAddresses": "privateIpAddressesSet",
    "publicIp": "publicIpsSet",
    "resourceId": "resourcesSet",
    "restorableBy": "sharedUsersSet",
    "securityGroup": "groupSet",
    "securityGroupId": "groupSet",
    "snapshotId": "snapshotSet",
    "subnetId": "subnetSet",
    "value": "valueSet",
    "volumeId": "volumeSet",
    "vpcId": "vpcSet",
    "zoneId": "availabilityZoneIdSet",
    "zoneName": "availabilityZoneSet",
}
# Scalars whose name in a list is not the list's own.
_SCALARS = {
    "executableBy": "user",
    "restorableBy": "userId",
    "securityGroup": "groupName",
    "securityGroupId": "groupId",
}
# Lists inside of elements keep their names, and CloudTrail writes the empty ones.
_OF_PERMISSION = ("groups", "ipRanges", "ipv6Ranges", "prefixListIds")
_OTHER_NAMES = {
    ("CreateVolume", "availabilityZone"): "zone",
    ("ModifyImageAttribute", "attribute"): "attributeType",
    ("ModifyInstanceAttribute", "attribute"): "attributeType",
    ("ModifySnapshotAttribute", "attribute"): "attributeType",
}
# What EC2 takes for granted, and writes.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "CreateVpc": {"instanceTenancy": "default", "amazonProvidedIpv6CidrBlock": False},
    "DeleteSnapshot": {"force": False},
    "DescribeAccountAttributes": {"filterSet": {}},
    "RunInstances": {
        "blockDeviceMapping": {},
        "monitoring": {"enabled": False},
        "disableApiTermination": False,
        "disableApiStop": False,
    },
}
_FOR_EACH_INSTANCE = ("imageId", "minCount", "maxCount", "keyName")
_GIVES_TRUE_TOO = frozenset({"CreateSecurityGroup"})
_ITEMS = {"privateIpAddressesSet": "item"}  # in results
# Numbers that are written as text, in parameters and in results.
_TEXTS_IN_PARAMETERS = frozenset({"size"})
_TEXTS_IN_RESULTS = frozenset({"size", "volumeSize"})
_PERMISSION_CALLS = ("AuthorizeSecurityGroup", "RevokeSecurityGroup")


@cache
def _is_new(operation: str) -> bool:
    """Whether a call is of the later form: only the models of the earlier ones spell `dryRun` as SOAP did."""
    shape = service_model("ec2").operation_model(operation).input_shape
    dry_run = shape.members.get("DryRun") if shape else None
    return dry_run is None or dry_run.serialization.get("name") != "dryRun"


def ec2_parameters(operation: OperationModel, parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The requestParameters of a call, given by the member names of its input."""
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return None
    given = {name: value for name, value in (parameters or {}).items() if name != "DryRun"}
    if _is_new(operation.name):
        return {f"{operation.name}Request": _as_query(shape, given)}
    found = _as_soap(shape, given)
    found = {_OTHER_NAMES.get((operation.name, name), name): value for name, value in found.items()}
    if operation.name == "RunInstances":
        each = {name: found.pop(name) for name in _FOR_EACH_INSTANCE if name in found}
        found = {"instancesSet": {"items": [each]}, **found}
    if found.get("attributeType") == "createVolumePermission":
        found["attributeType"] = "CREATE_VOLUME_PERMISSION"
    if operation.name == "DescribeVpcAttribute":
        found.pop("attribute", None)
    if operation.name == "DescribeVpcClassicLink" and "vpcSet" in found:
        found["vpcSet"] = {"item": found["vpcSet"]["items"]}
    return {**_empty_lists(operation, shape), **_DEFAULTS.get(operation.name, {}), **found} or None


def ec2_result(
    operation: OperationModel, result: Mapping[str, Any] | None, request_id: str | None
) -> dict[str, Any] | None:
    """The responseElements of a call that changed something.

    :param result: by the member names of its output; empty when it has none.
    """
    shape = operation.output_shape
    found = _as_xml(shape, result or {}) if isinstance(shape, StructureShape) else {}
    if _is_new(operation.name):
        content = _of_query_answer(found) if isinstance(shape, StructureShape) else {"return": True}
        answer = {"xmlns": _NAMESPACE, "requestId": request_id, **content}
        return {f"{operation.name}Response": answer}
    succeeded = found.pop("return", None)
    if succeeded is None and (shape is None or operation.name in _GIVES_TRUE_TOO):
        succeeded = True
    content = {_OTHER_NAMES.get((operation.name, name), name): each for name, each in _of_soap_answer(found).items()}
    return {"requestId": request_id, **({} if succeeded is None else {"_return": succeeded}), **content}


def _empty_lists(operation: OperationModel, shape: StructureShape) -> dict[str, Any]:
    """Of calls that read and of those about permissions, every list that may be given."""
    if operation.name.startswith("Describe"):
        lists = [_wire_name(name, member) for name, member in shape.members.items() if member.type_name == "list"]
        return {_set_name(name): {} for name in lists}
    if operation.name.startswith(_PERMISSION_CALLS):
        return {"ipPermissions": {}}
    return {"groupSet": {}} if operation.name == "CreateNetworkInterface" else {}


def _wire_name(member: str, shape: Shape) -> str:
    name = str(shape.serialization.get("name", member))
    return name[0].lower() + name[1:]


def _set_name(name: str) -> str:
    return _SETS.get(name, f"{name}Set")


def _as_soap(shape: StructureShape, value: Mapping[str, Any], *, is_inside: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for member, member_shape in shape.members.items():
        if value.get(member) is None:
            continue
        name = _wire_name(member, member_shape)
        if isinstance(member_shape, ListShape):
            keeps_name = is_inside and name in (*_OF_PERMISSION, "add", "remove")
            if shape.name == "TagSpecification" and member == "Tags":
                found["tags"] = [_scalar_or_structure(member_shape.member, each) for each in value[member]]
            else:
                found[name if keeps_name else _set_name(name)] = _items(member_shape, name, value[member])
        else:
            found[name] = _hidden_or(name, member_shape, value[member])
    if shape.name == "IpPermission":
        found = {**found, **{name: found.get(name, {}) for name in _OF_PERMISSION}}
    return found


def _items(shape: ListShape, name: str, values: Any) -> dict[str, Any]:
    if isinstance(shape.member, StructureShape):
        return {"items": [_as_soap(shape.member, each, is_inside=True) for each in values]} if values else {}
    own = str(shape.member.serialization.get("name", "item"))
    scalar = _SCALARS.get(name, name if own in ("item", "String", "Value") else own[0].lower() + own[1:])
    return {"items": [{scalar: _scalar(each)} for each in values]} if values else {}


def _scalar_or_structure(shape: Shape, value: Any) -> Any:
    return _as_soap(shape, value, is_inside=True) if isinstance(shape, StructureShape) else _scalar(value)


def _hidden_or(name: str, shape: Shape, value: Any) -> Any:
    if shape.metadata.get("sensitive") or is_secret(name):
        return HIDDEN
    return str(value) if name in _TEXTS_IN_PARAMETERS else _scalar_or_structure(shape, value)


def _scalar(value: Any) -> Any:
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    return value if isinstance(value, bool | int | float) else str(value)


def _as_query(shape: StructureShape, value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for member, member_shape in shape.members.items():
        if value.get(member) is None:
            continue
        name = str(member_shape.serialization.get("name", member))
        name = name[0].upper() + name[1:]
        if isinstance(member_shape, ListShape):
            numbered = [_numbered(member_shape.member, each, tag) for tag, each in enumerate(value[member], start=1)]
            found[name] = numbered[0] if len(numbered) == 1 else numbered
        elif isinstance(member_shape, StructureShape):
            found[name] = _as_query(member_shape, value[member])
        elif member_shape.metadata.get("sensitive") or is_secret(name):
            found[name] = HIDDEN
        else:
            found[name] = _from_xml_text(value[member])
    return found


def _numbered(shape: Shape, value: Any, tag: int) -> dict[str, Any]:
    if isinstance(shape, StructureShape):
        return {**_as_query(shape, value), "tag": tag}
    return {"tag": tag, "content": _from_xml_text(value)}


def _as_xml(shape: StructureShape, value: Mapping[str, Any]) -> dict[str, Any]:
    """A result by the names in the XML."""
    found: dict[str, Any] = {}
    for member, member_shape in shape.members.items():
        each = value.get(member)
        if each is None or member_shape.type_name == "blob":
            continue
        name = str(member_shape.serialization.get("name", member))
        if member_shape.metadata.get("sensitive") or is_secret(name):
            found[name] = HIDDEN
        elif isinstance(member_shape, StructureShape):
            found[name] = _as_xml(member_shape, each)
        elif isinstance(member_shape, ListShape):
            inner = member_shape.member
            found[name] = [_as_xml(inner, one) if isinstance(inner, StructureShape) else one for one in each]
        else:
            found[name] = each
    return found


def _of_soap_answer(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {inner: _of_soap_answer(each, inner) for inner, each in value.items()}
    if isinstance(value, list):
        return {_ITEMS.get(name, "items"): [_of_soap_answer(each) for each in value]} if value else {}
    return str(value) if name in _TEXTS_IN_RESULTS else _scalar(value)


def _of_query_answer(value: Any) -> Any:
    if isinstance(value, dict):
        return {inner: _of_query_answer(each) for inner, each in value.items()}
    if isinstance(value, list):
        elements = [_of_query_answer(each) for each in value]
        return {"item": elements[0] if len(elements) == 1 else elements} if elements else ""
    return _from_xml_text(value)


def _from_xml_text(value: Any) -> Any:
    """A value as a reader of XML guesses its type: `true` is no text."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.000Z"
    return guessed(value) if isinstance(value, str) else value
