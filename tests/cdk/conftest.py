"""Apps and templates as `cdk synth` would make them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from constructs_lib import SecureTrail

ROOT = Path(__file__).parents[2]
Synthesize = Callable[..., Template]


def new_app(*, flags: bool = True) -> cdk.App:
    """An app with the feature flags of cdk.json, or with none, as an old consumer's app has."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"] if flags else {}
    return cdk.App(context=context, analytics_reporting=False)


@pytest.fixture
def stack() -> cdk.Stack:
    return cdk.Stack(new_app(), "Stack", synthesizer=cdk.LegacyStackSynthesizer())


@pytest.fixture
def synthesize(stack: cdk.Stack) -> Synthesize:
    """Make a SecureTrail with these props in an empty stack and return the template."""

    def make(**props: Any) -> Template:
        SecureTrail(stack, "SecureTrail", **props)
        return Template.from_stack(stack)

    return make


def only(template: Template, resource_type: str, **having: Any) -> dict[str, Any]:
    """The properties of the one resource of this type, or of the one that has these properties."""
    found = [
        resource["Properties"]
        for resource in template.find_resources(resource_type).values()
        if having.items() <= resource["Properties"].items()
    ]
    assert len(found) == 1, found
    properties: dict[str, Any] = found[0]
    return properties
