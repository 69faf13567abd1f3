"""The head with the base's names of resources that have another name now, so that what names them compares equal.

A trail that is renamed is named in dozens of places: policies, patterns, alarms. That it is replaced is one objection;
that each of these places follows is none.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from securetrail.review.template import Resource, Template, Variant, as_json

# In a policy only an ARN surely names a resource: another text may be an account or a service.
_POLICIES: Final = frozenset(
    {"AssumeRolePolicyDocument", "KeyPolicy", "Policies", "Policy", "PolicyDocument", "ResourcePolicy"}
)
_IN_SUB: Final = re.compile(r"\$\{(\w+)\}")
_SHORTEST: Final = 3
# In the rule of a composite alarm, where other alarms are named in a text.
_ALARM: Final = re.compile(r"""((?:ALARM|OK|INSUFFICIENT_DATA)\(["']?)([^"'()]+)(["']?\))""")


def with_old_names(variant: Variant) -> Variant:
    """The same variant, with the base's names in the head's properties, ARNs and references."""
    both = [
        (variant.base[each], head)
        for each, head in variant.head.items()
        if each in variant.base and variant.base[each].type == head.type
    ]
    taken = {each.arn for each in variant.head.values()} | {each.reference for each in variant.head.values()}
    arns = {new.arn: old.arn for old, new in both if new.arn != old.arn and old.arn not in taken and _is_arn(new.arn)}
    names = {
        new.reference: old.reference
        for old, new in both
        if new.reference != old.reference
        and old.reference not in taken
        and len(new.reference) >= _SHORTEST
        and not new.reference.isdigit()
    }
    if not arns and not names:
        return variant
    rename = _renamer(arns, names)
    return dataclasses.replace(
        variant, head={each: _renamed(resource, rename, arns, names) for each, resource in variant.head.items()}
    )


def with_old_parameters(base: Sequence[Template], head: Sequence[Template]) -> tuple[Template, ...]:
    """The head's templates with the base's name of each parameter that is declared as before and called otherwise now.

    Whoever deploys gives it the same value, or another one, whatever it is called.
    """
    before = {template.stack: _parameters(template) for template in base}
    return tuple(_with_old_parameters(template, before.get(template.stack, {})) for template in head)


def _parameters(template: Template) -> Mapping[str, Any]:
    """The parameters of a template."""
    found = template.body.get("Parameters")
    return found if isinstance(found, Mapping) else {}


def _with_old_parameters(template: Template, before: Mapping[str, Any]) -> Template:
    now = _parameters(template)
    gone = {name: _declared(each) for name, each in before.items() if name not in now}
    new = {name: _declared(each) for name, each in now.items() if name not in before}
    names = {
        name: next(old for old, its in gone.items() if its == each)
        for name, each in new.items()
        if [*gone.values()].count(each) == [*new.values()].count(each) == 1
    }
    # What a nested stack gets is named in the stack around it as well.
    if not names or template.parent:
        return template
    declared = {names.get(name, name): each for name, each in now.items()}
    body = {**_with_parameters(template.body, names), "Parameters": declared}
    return dataclasses.replace(template, body=body)


def _declared(parameter: Any) -> str:
    if not isinstance(parameter, Mapping):
        return as_json(parameter)
    return as_json({name: value for name, value in parameter.items() if name != "Description"})


def _with_parameters(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_parameters(each, names) for each in value]
    if not isinstance(value, Mapping):
        return value
    if value.keys() == {"Ref"}:
        return {"Ref": names.get(str(value["Ref"]), value["Ref"])}
    found = {name: _with_parameters(each, names) for name, each in value.items()}
    if "Fn::Sub" in found:
        found["Fn::Sub"] = _in_sub(found["Fn::Sub"], names)
    return found


def _in_sub(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list) and value:
        return [_in_sub(value[0], names), *value[1:]]
    if not isinstance(value, str):
        return value
    return _IN_SUB.sub(lambda found: f"${{{names.get(found[1], found[1])}}}", value)


def _renamed(
    resource: Resource, rename: Callable[[Any, bool], Any], arns: Mapping[str, str], names: Mapping[str, str]
) -> Resource:
    return dataclasses.replace(
        resource,
        properties={name: rename(value, name in _POLICIES) for name, value in resource.properties.items()},
        arn=arns.get(resource.arn, resource.arn),
        reference=names.get(resource.reference, resource.reference),
    )


def _renamer(arns: Mapping[str, str], names: Mapping[str, str]) -> Callable[[Any, bool], Any]:
    longest_first = sorted(arns, key=len, reverse=True)
    # An ARN that goes on, with a star for example, is another one.
    pattern = re.compile(rf"({'|'.join(map(re.escape, longest_first))})(?=$|[/:\"'\s,)\]])") if arns else None

    def rename(value: Any, in_policy: bool) -> Any:  # noqa: FBT001 (called below and above alone)
        if isinstance(value, str):
            if not in_policy and value in names:
                return names[value]
            value = _ALARM.sub(lambda found: f"{found[1]}{names.get(found[2], found[2])}{found[3]}", value)
            return pattern.sub(lambda found: arns[found[1]], value) if pattern else value
        if isinstance(value, list):
            return [rename(each, in_policy) for each in value]
        if isinstance(value, Mapping):
            return {name: rename(each, in_policy or name in _POLICIES) for name, each in value.items()}
        return value

    return rename


def _is_arn(text: str) -> bool:
    return text.startswith("arn:")
