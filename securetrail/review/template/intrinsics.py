"""CloudFormation's intrinsic functions, resolved to stand-ins: one side of a review under given assumptions.

What names a resource becomes the stand-in of that resource (``stand_ins``), what names a parameter its default or a
text that stands for the parameter. What cannot be resolved becomes a :class:`NotComparable`; nothing is left out.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from securetrail.review.template.model import Id, NotComparable, Resource, Template
from securetrail.review.template.stand_ins import NAME_PROPERTIES, Environment, Named, arn, attribute, reference

# The stand-ins of what the synth does not know; AWS uses this account in its own examples.
ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
_NESTED: Final = "AWS::CloudFormation::Stack"
_PLACE: Final = re.compile(r"\$\{(!?)([^${}]*)\}")
# More blocks than Fn::Cidr may return. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html
_MOST_BLOCKS: Final = 256
# Transforms that expand nothing but intrinsics which are resolved, or refused, here.
_HARMLESS_TRANSFORMS: Final = {"AWS::LanguageExtensions"}
_WRITTEN_LATER: Final = ("Fn::ForEach", "Fn::Transform")
_LIST_TYPES: Final = ("CommaDelimitedList", "List<")
# More levels of intrinsics and references than templates have; a circle of references ends here.
_DEEPEST: Final = 60


class _NoValue:
    """``AWS::NoValue``: the property or the entry is not there."""


_NO_VALUE: Final = _NoValue()


def as_json(node: Any) -> str:
    """One text for equal values; a :class:`NotComparable` is its own text."""
    return json.dumps(node, sort_keys=True, default=lambda value: {"NotComparable": getattr(value, "text", "")})


class Side:
    """The templates of one side, and what each condition of theirs is assumed to be.

    :param renamed: the head's id of a resource → the base's id of the same resource.
    :param decide: a condition (the stack's template and the condition's name) → whether it holds; ``None`` when that
        is not assumed, so that what depends on it is not comparable.
    """

    def __init__(
        self,
        templates: Sequence[Template],
        renamed: Mapping[Id, Id],
        decide: Callable[[Template, str], bool | None],
    ) -> None:
        self._templates = {template.stack: template for template in templates}
        self._renamed = renamed
        self._decide = decide
        self._depth = 0
        self._being_named: set[Id] = set()
        self._named: dict[Id, Named] = {}
        self._exports: dict[str, tuple[Template, Any]] | None = None
        self._intrinsics: dict[str, Callable[[Template, Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::Base64": self._base64,
            "Fn::Length": self._length,
            "Fn::ToJsonString": self._to_json_string,
            "Fn::Cidr": self._cidr,
            "Fn::GetAZs": self._azs,
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
            "Fn::ImportValue": self._import,
            "Fn::GetStackOutput": self._stack_output,
        }

    def resources(self) -> dict[Id, Resource]:
        """Every resource that exists under the assumptions, by the base's id."""
        found = {}
        for template in self._templates.values():
            for logical_id, raw in section(template, "Resources").items():
                if isinstance(raw, dict) and "Type" in raw and self._exists(template, raw):
                    resource = self._resource(template, logical_id, raw)
                    found[resource.id] = resource
        return found

    def value(self, template: Template, node: Any) -> Any:
        """The value of a part of a template; ``AWS::NoValue`` at the top is ``None``."""
        resolved = self._value(template, node)
        return None if resolved is _NO_VALUE else resolved

    def _resource(self, template: Template, logical_id: str, raw: Mapping[str, Any]) -> Resource:
        properties = {} if "Properties" not in raw else self.value(template, raw["Properties"])
        if not isinstance(properties, dict):
            properties = {"Properties": properties}
        transforms = [name for name in _transforms(template) if name not in _HARMLESS_TRANSFORMS]
        if transforms:
            properties = {
                **properties,
                "Fn::Transform": NotComparable(f"the macro {transforms[0]} may change it", as_json(transforms)),
            }
        named = self._named_resource(template, logical_id, raw)
        return Resource(
            id=named.id,
            type=named.type,
            reference=reference(named),
            arn=arn(named),
            account=named.environment.account,
            properties=properties,
            deletion_policy=self._policy(template, raw.get("DeletionPolicy")),
            update_replace_policy=self._policy(template, raw.get("UpdateReplacePolicy")),
            metadata=raw.get("Metadata") or {},
            dependencies=frozenset(self._renamed.get(each, each) for each in self._dependencies(template, raw)),
        )

    def _policy(self, template: Template, written: Any) -> str:
        """A deletion policy, which may be a parameter's value with the language extensions."""
        value = self.value(template, written)
        return value if isinstance(value, str) else "" if value is None else as_json(value)

    def _exists(self, template: Template, raw: Mapping[str, Any]) -> bool:
        # A resource whose condition is not assumed counts as there: what it allows is then judged, not left out.
        if "Condition" in raw and self._decide(template, str(raw["Condition"])) is False:
            return False
        # What is nested in a stack is there as long as that stack is.
        parent = self._templates.get(template.parent.stack) if template.parent else None
        if parent is None or template.parent is None:
            return True
        around = section(parent, "Resources").get(template.parent.logical_id)
        return not isinstance(around, dict) or self._exists(parent, around)

    def _value(self, template: Template, node: Any) -> Any:
        if self._depth > _DEEPEST:
            return NotComparable("references that go round in a circle or too deep", as_json(node))
        self._depth += 1
        try:
            if isinstance(node, list):
                return [each for each in (self._value(template, entry) for entry in node) if each is not _NO_VALUE]
            return self._object(template, node) if isinstance(node, dict) else node
        finally:
            self._depth -= 1

    def _object(self, template: Template, node: Mapping[str, Any]) -> Any:
        """An object of a template: an intrinsic if that is all it has."""
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name in self._intrinsics:
                return self._intrinsics[name](template, argument)
        unknown = next((name for name in node if name.startswith("Fn::")), None)
        if unknown is not None:
            return NotComparable(unknown, as_json(node))
        resolved = {name: self._value(template, each) for name, each in node.items()}
        return {name: each for name, each in resolved.items() if each is not _NO_VALUE}

    # --- Ref and Fn::GetAtt ---

    def _ref(self, template: Template, name: Any) -> Any:
        if not isinstance(name, str):
            return NotComparable("a Ref of another form", as_json(name))
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in _PSEUDO:
            return _PSEUDO[name](self._environment(template), template)
        if name in section(template, "Parameters"):
            return self._parameter(template, name)
        named = self._name(template, name)
        return reference(named) if isinstance(named, Named) else named

    def _get_att(self, template: Template, argument: Any) -> Any:
        if isinstance(argument, str):
            argument = argument.split(".", 1)
        if not isinstance(argument, list) or len(argument) != 2:
            return NotComparable("a Fn::GetAtt of another form", as_json(argument))
        name, wanted = argument[0], self._value(template, argument[1])
        raw = section(template, "Resources").get(name) if isinstance(name, str) else None
        if not isinstance(wanted, str) or not isinstance(raw, dict):
            return NotComparable(f"Fn::GetAtt of {name}, which the template does not have", as_json(argument))
        if raw.get("Type") == _NESTED and wanted.startswith("Outputs."):
            nested = self._templates.get(f"{template.stack}/{name}")
            output = section(nested, "Outputs").get(wanted.removeprefix("Outputs.")) if nested else None
            if nested and isinstance(output, dict):
                return self._value(nested, output.get("Value"))
        named = self._name(template, name)
        return attribute(named, wanted) if isinstance(named, Named) else named

    def _name(self, template: Template, logical_id: Any) -> Named | NotComparable:
        raw = section(template, "Resources").get(logical_id) if isinstance(logical_id, str) else None
        if not isinstance(raw, dict):
            return NotComparable(f"Ref {logical_id}, which the template does not have", as_json({"Ref": logical_id}))
        if not self._exists(template, raw):
            return NotComparable(f"{logical_id} is not there under this condition", as_json({"Ref": logical_id}))
        return self._named_resource(template, logical_id, raw)

    def _named_resource(self, template: Template, logical_id: str, raw: Mapping[str, Any]) -> Named:
        own = Id(template.stack, logical_id)
        if own in self._being_named:
            # A name that is made of itself, which CloudFormation refuses: as if it had none.
            raw = {"Type": raw.get("Type", "")}
        if own not in self._named:
            self._being_named.add(own)
            properties = raw.get("Properties")
            properties = properties if isinstance(properties, dict) else {}
            type_ = str(raw.get("Type", ""))
            given = self._value(template, properties.get(NAME_PROPERTIES.get(type_, ""), ""))
            path = self._value(template, properties.get("Path", "/"))
            self._named[own] = Named(
                id=self._renamed.get(own, own),
                type=type_,
                environment=self._environment(template),
                name=given if isinstance(given, str) else "",
                path=path if isinstance(path, str) else "/",
            )
            self._being_named.discard(own)
        return self._named[own]

    def _environment(self, template: Template) -> Environment:
        return Environment(template.account or ACCOUNT, template.region or REGION, _partition(template.region))

    def _parameter(self, template: Template, name: str) -> Any:
        given = self._given_by_parent(template, name)
        if given is not None:
            return self._value(*given)
        declared = section(template, "Parameters")[name]
        type_, default = str(declared.get("Type", "String")), declared.get("Default")
        is_list = type_.startswith(_LIST_TYPES)
        if type_.startswith("AWS::SSM::Parameter::Value"):
            # The default is the name of the parameter in Parameter Store, not the value.
            text = f"(value of the SSM parameter {default if default is not None else name})"
            return [text] if "List" in type_ else text
        if default is not None:
            written = str(default).lower() if isinstance(default, bool) else str(default)
            return [part.strip() for part in written.split(",")] if is_list else written
        if is_list or type_ == "Number":
            return NotComparable(f"the parameter {name} of type {type_} has no default", as_json({"Ref": name}))
        # A text that stands for whatever will be given: the same on both sides, and equal to nothing else.
        return f"(parameter {name})"

    def _given_by_parent(self, template: Template, name: str) -> tuple[Template, Any] | None:
        parent = self._templates.get(template.parent.stack) if template.parent else None
        if parent is None or template.parent is None:
            return None
        raw = section(parent, "Resources").get(template.parent.logical_id) or {}
        given = (raw.get("Properties") or {}).get("Parameters") or {}
        return (parent, given[name]) if isinstance(given, dict) and name in given else None

    # --- texts ---

    def _sub(self, template: Template, argument: Any) -> Any:
        text, given = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
        if not isinstance(text, str) or not isinstance(given, dict):
            return NotComparable("a Fn::Sub of another form", as_json(argument))
        parts: list[Any] = []
        at = 0
        for place in _PLACE.finditer(text):
            parts.append(text[at : place.start()])
            at = place.end()
            escaped, name = place.groups()
            if escaped:
                parts.append(f"${{{name}}}")
            elif name in given:
                parts.append(self._value(template, given[name]))
            elif "." in name:
                parts.append(self._get_att(template, name.strip()))
            else:
                parts.append(self._ref(template, name.strip()))
        return _joined("", [*parts, text[at:]])

    def _join(self, template: Template, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 2:
            return NotComparable("a Fn::Join of another form", as_json(argument))
        separator, parts = self._value(template, argument[0]), self._value(template, argument[1])
        if not isinstance(separator, str) or not isinstance(parts, list):
            return _not_resolved("Fn::Join", argument, (separator, parts))
        return _joined(separator, parts)

    def _split(self, template: Template, argument: Any) -> Any:
        arguments = self._value(template, argument)
        if _are(arguments, str, str) and arguments[0]:
            return arguments[1].split(arguments[0])
        return _not_resolved("Fn::Split", argument, arguments)

    def _select(self, template: Template, argument: Any) -> Any:
        arguments = self._value(template, argument)
        if isinstance(arguments, list) and len(arguments) == 2 and isinstance(arguments[1], list):
            index, entries = str(arguments[0]), arguments[1]
            if index.isdecimal() and int(index) < len(entries):
                return entries[int(index)]
        return _not_resolved("Fn::Select", argument, arguments)

    def _base64(self, template: Template, argument: Any) -> Any:
        text = self._value(template, argument)
        if not isinstance(text, str):
            return _not_resolved("Fn::Base64", argument, (text,))
        return base64.b64encode(text.encode()).decode()

    def _length(self, template: Template, argument: Any) -> Any:
        entries = self._value(template, argument)
        return len(entries) if isinstance(entries, list) else _not_resolved("Fn::Length", argument, (entries,))

    def _to_json_string(self, template: Template, argument: Any) -> Any:
        resolved = self._value(template, argument)
        opaque = next(_not_comparable_in(resolved), None)
        if opaque is not None:
            return _not_resolved("Fn::ToJsonString", argument, (opaque,))
        return json.dumps(resolved, sort_keys=True)

    def _cidr(self, template: Template, argument: Any) -> Any:
        arguments = self._value(template, argument)
        try:
            block, count, *bits = arguments
            network = ipaddress.ip_network(block)
            prefix = network.max_prefixlen - int(bits[0] if bits else 8)
            blocks = network.subnets(new_prefix=prefix)
            found = [str(each) for each, _ in zip(blocks, range(min(int(count), _MOST_BLOCKS)), strict=False)]
        except (TypeError, ValueError):
            return _not_resolved("Fn::Cidr", argument, arguments)
        return found

    def _azs(self, template: Template, argument: Any) -> Any:
        region = self._value(template, argument) or self._environment(template).region
        if not isinstance(region, str):
            return _not_resolved("Fn::GetAZs", argument, (region,))
        return [f"{region}{letter}" for letter in "abc"]

    # --- mappings, conditions, other stacks ---

    def _find_in_map(self, template: Template, argument: Any) -> Any:
        arguments = self._value(template, argument)
        if isinstance(arguments, list) and len(arguments) in (3, 4) and all(isinstance(e, str) for e in arguments[:3]):
            found: Any = section(template, "Mappings")
            for key in arguments[:3]:
                found = found.get(key) if isinstance(found, dict) else None
            if found is not None:
                return found
            if len(arguments) == 4 and isinstance(arguments[3], dict) and "DefaultValue" in arguments[3]:
                return arguments[3]["DefaultValue"]
        name = argument[0] if isinstance(argument, list) and argument and isinstance(argument[0], str) else ""
        # With the mapping's content: a change of it is a change of this value.
        return _not_resolved("Fn::FindInMap", [argument, section(template, "Mappings").get(name)], arguments)

    def _if(self, template: Template, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
            return NotComparable("a Fn::If of another form", as_json(argument))
        holds = self._decide(template, argument[0])
        if holds is None:
            condition = section(template, "Conditions").get(argument[0])
            return NotComparable(f"Fn::If {argument[0]}, one of too many conditions", as_json([argument, condition]))
        return self._value(template, argument[1] if holds else argument[2])

    def _import(self, template: Template, argument: Any) -> Any:
        name = self._value(template, argument)
        if not isinstance(name, str):
            return _not_resolved("Fn::ImportValue", argument, (name,))
        exported = self._exported(name)
        return self._value(*exported) if exported else f"(export {name})"

    def _exported(self, name: str) -> tuple[Template, Any] | None:
        if self._exports is None:
            self._exports = {}
            for template in self._templates.values():
                for output in section(template, "Outputs").values():
                    own = self.value(template, (output.get("Export") or {}).get("Name"))
                    if isinstance(own, str):
                        self._exports[own] = (template, output.get("Value"))
        return self._exports.get(name)

    def _stack_output(self, template: Template, argument: Any) -> Any:
        """``Fn::GetStackOutput``, the CDK's weak reference between stacks."""
        given = self._value(template, argument)
        if not isinstance(given, dict) or not all(isinstance(each, str) for each in given.values()):
            return _not_resolved("Fn::GetStackOutput", argument, (given,))
        stack, output = given.get("StackName", ""), given.get("OutputName", "")
        other = next((each for each in self._templates.values() if stack in (each.stack, _deployed_name(each))), None)
        declared = section(other, "Outputs").get(output) if other else None
        if other and isinstance(declared, dict):
            return self._value(other, declared.get("Value"))
        return f"(output {output} of the stack {stack})"

    # --- what a resource depends on ---

    def _dependencies(self, template: Template, node: Any) -> Iterator[Id]:
        resources, parameters = section(template, "Resources"), section(template, "Parameters")
        for name in named_resources(node):
            given = self._given_by_parent(template, name) if name in parameters else None
            if given:
                yield from self._dependencies(*given)
            elif name in resources:
                yield Id(template.stack, name)
        for name in _imports(node):
            exported = self._exported(name)
            if exported:
                yield from self._dependencies(*exported)


_PSEUDO: Final[Mapping[str, Callable[[Environment, Template], Any]]] = {
    "AWS::AccountId": lambda where, _: where.account,
    "AWS::Region": lambda where, _: where.region,
    "AWS::Partition": lambda where, _: where.partition,
    "AWS::URLSuffix": lambda where, _: "amazonaws.com.cn" if where.partition == "aws-cn" else "amazonaws.com",
    "AWS::StackName": lambda _, template: _deployed_name(template),
    "AWS::StackId": lambda where, template: (
        f"arn:{where.partition}:cloudformation:{where.region}:{where.account}:stack/{_deployed_name(template)}/(any)"
    ),
    "AWS::NotificationARNs": lambda *_: [],
}


def unread(template: Template) -> dict[str, str]:
    """What writes parts of the template only at the deployment, by its name, each as text: macros, and loops and
    includes wherever they stand, because they may write whatever stands beside them.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-transform.html
    """
    macros = {f"the macro {name}": name for name in _transforms(template) if name not in _HARMLESS_TRANSFORMS}
    return dict(_written_later(template.body, ())) | macros


def _written_later(node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for number, each in enumerate(node):
            yield from _written_later(each, (*path, str(number)))
    elif isinstance(node, dict):
        # All of a property's value is compared like every value that cannot be resolved.
        is_value = len(node) == 1 and path[:1] == ("Resources",) and path[2:3] == ("Properties",) and len(path) > 3
        for name, each in node.items():
            if name.startswith(_WRITTEN_LATER) and not is_value:
                yield (
                    (name if path == ("Resources",) else f"{name} in {'/'.join(path) or 'the template'}"),
                    as_json(each),
                )
            else:
                yield from _written_later(each, (*path, name))


def section(template: Template | None, name: str) -> Mapping[str, Any]:
    """A section of a template; empty when it has none, or one that is no object."""
    found = template.body.get(name) if template else None
    return found if isinstance(found, dict) else {}


def _joined(separator: str, parts: Iterable[Any]) -> Any:
    parts = [part for part in parts if part is not _NO_VALUE]
    if all(isinstance(part, str | int | float) for part in parts):
        return separator.join(str(part).lower() if isinstance(part, bool) else str(part) for part in parts)
    return _not_resolved("Fn::Join", [separator, parts], parts)


def _not_resolved(name: str, argument: Any, values: Any) -> NotComparable:
    inner = next(_not_comparable_in(values), None)
    return NotComparable(inner.why if inner else f"{name} of what has another form", as_json([name, argument, values]))


def _not_comparable_in(value: Any) -> Iterator[NotComparable]:
    if isinstance(value, NotComparable):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _not_comparable_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _not_comparable_in(each)


def _are(values: Any, *types: type) -> bool:
    return (
        isinstance(values, list)
        and len(values) == len(types)
        and all(isinstance(value, each) for value, each in zip(values, types, strict=True))
    )


def named_resources(node: Any) -> Iterator[str]:
    """Every logical id that a part of a template refers to."""
    if isinstance(node, list):
        for each in node:
            yield from named_resources(each)
    elif isinstance(node, dict):
        for name, each in node.items():
            if name == "Ref" and isinstance(each, str):
                yield each
            elif name == "Fn::GetAtt":
                first = each[0] if isinstance(each, list) and each else each
                yield first.split(".", 1)[0] if isinstance(first, str) else ""
            elif name == "DependsOn":
                yield from (one for one in (each if isinstance(each, list) else [each]) if isinstance(one, str))
            elif name == "Fn::Sub":
                text = each[0] if isinstance(each, list) and each else each
                yield from (place.split(".", 1)[0].strip() for _, place in _PLACE.findall(str(text)))
            yield from named_resources(each)


def _imports(node: Any) -> Iterator[str]:
    """The names of the exports that a part of a template imports, where they are written as texts."""
    if isinstance(node, list):
        for each in node:
            yield from _imports(each)
    elif isinstance(node, dict):
        for name, each in node.items():
            if name == "Fn::ImportValue" and isinstance(each, str):
                yield each
            yield from _imports(each)


def _transforms(template: Template) -> list[str]:
    found = template.body.get("Transform") or []
    return [
        each if isinstance(each, str) else as_json(each) for each in (found if isinstance(found, list) else [found])
    ]


def _deployed_name(template: Template) -> str:
    return template.name or template.stack.replace("/", "-")


def _partition(region: str) -> str:
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
