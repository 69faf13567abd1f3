"""The control map: which property of a template meets a control, and which of the verifier's checks tests it deployed.

The map is data, ``controls.json``, so that a control has one id at synth and after deployment. The requirements of
other standards that a control of AWS Security Hub covers are in the map once, from its "Related requirements" in
https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html, kms-controls.html and
s3-controls.html; ``fsbp`` says whether fsbp-standard.html there lists it, and the numbers of PCI DSS are those of
pci-standard.html. Several controls may map to one of Security Hub's, which is met when all of them are. S3.7 is not in
the map: it requires a replica in another region, and a template does not say in which region a bucket is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_MAP: Final = Path(__file__).with_name("controls.json")


@dataclass(frozen=True, slots=True)
class Control:
    """One control.

    :param id: the id of the verifier's check as well, where one tests just this.
    :param part: the resource that it is about: ``trail``, ``key``, ``bucket`` or ``bucket_policy``.
    :param property: the path of the CloudFormation property, dots between the names, numbers for places in a list.
    :param equals: the value that it must have. Default: - any.
    :param contains: what one of the statements or selectors in it must contain. Default: - anything.
    :param met_without: the control is met as well when the template has none of these properties, because AWS's own
        default meets it. Default: - the property is required.
    :param verifier_check: the verifier's check of what is deployed. Default: - none.
    :param profiles: the profiles that meet it.
    :param standards: standard and version → the ids of its requirements. ``AWS Security Hub`` has all that it checks,
        ``FSBP`` those of its AWS Foundational Security Best Practices.
    """

    id: str
    part: str
    property: str
    equals: Any
    contains: Mapping[str, Any] | None
    met_without: tuple[str, ...]
    verifier_check: str | None
    profiles: tuple[str, ...]
    standards: Mapping[str, tuple[str, ...]]


def load_controls() -> tuple[Control, ...]:
    """The map, in the order of the file."""
    document: dict[str, Any] = json.loads(_MAP.read_text())
    return tuple(
        Control(
            id=entry["id"],
            part=entry["part"],
            property=entry["property"],
            equals=entry.get("equals"),
            contains=entry.get("contains"),
            met_without=tuple(entry.get("met_without", ())),
            verifier_check=entry["verifier_check"],
            profiles=tuple(entry["profiles"]),
            standards=_standards(entry.get("security_hub", ()), document["security_hub"]),
        )
        for entry in document["controls"]
    )


def _standards(hub_ids: Sequence[str], hub: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The requirements that these controls of Security Hub cover together, each id once."""
    found: dict[str, dict[str, None]] = {}
    for hub_id in hub_ids:
        related = hub[hub_id]
        ids = {
            "AWS Security Hub": [hub_id],
            "FSBP": [hub_id] if related["fsbp"] else [],
            "NIST 800-53 r5": related.get("nist_800_53_r5", []),
            **{f"CIS {version}": ids for version, ids in related.get("cis_aws_foundations", {}).items()},
            **{f"PCI DSS {version}": ids for version, ids in related.get("pci_dss", {}).items()},
        }
        for standard, here in ids.items():
            found.setdefault(standard, {}).update(dict.fromkeys(here))
    return {standard: tuple(ids) for standard, ids in found.items() if ids}


def met_controls(template: Mapping[str, Any], controls: Sequence[Control]) -> dict[str, dict[str, bool | None]]:
    """Which controls each trail of the template meets.

    :returns: the trail's logical id → control id → yes, no, or ``None`` for a resource of another template.
    """
    resources: Mapping[str, Any] = template.get("Resources", {})
    met = {}
    for logical_id, entry in resources.items():
        if entry["Type"] == "AWS::CloudTrail::Trail":
            parts = _parts(resources, entry["Properties"])
            met[logical_id] = {control.id: _met(parts.get(control.part), control) for control in controls}
    return met


def _parts(resources: Mapping[str, Any], trail: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The properties of a trail and of what it refers to."""
    parts = {"trail": trail}
    for part, name in (("key", "KMSKeyId"), ("bucket", "S3BucketName")):
        reference = trail.get(name)
        if isinstance(reference, dict):
            logical_id = reference.get("Ref") or reference.get("Fn::GetAtt", [""])[0]
            if logical_id in resources:
                parts[part] = resources[logical_id].get("Properties", {})
    for entry in resources.values():
        properties = entry.get("Properties", {})
        if entry["Type"] == "AWS::S3::BucketPolicy" and properties["Bucket"] == trail["S3BucketName"]:
            parts["bucket_policy"] = properties
    return parts


def _met(properties: Mapping[str, Any] | None, control: Control) -> bool | None:
    if properties is None:
        return None
    if control.met_without and not any(name in properties for name in control.met_without):
        return True
    value: Any = properties
    for name in control.property.split("."):
        if isinstance(value, list):
            value = value[int(name)] if int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    if control.contains is not None:
        return any(control.contains.items() <= statement.items() for statement in value or [])
    return value is not None if control.equals is None else bool(value == control.equals)
