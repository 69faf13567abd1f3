"""What aliases in YAML stand for has a bound, in whatever a template is given to."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from lab.confinement.yaml_aliases import TooManyAliases, check_aliases
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory


def node_of(text: str) -> Any:
    return yaml.compose(text, Loader=yaml.SafeLoader)


def walked(value: object) -> int:
    """What somebody meets who walks a document: each node, and each character."""
    if isinstance(value, list):
        return 1 + sum(map(walked, value))
    if isinstance(value, dict):
        return 1 + sum(walked(key) + walked(each) for key, each in value.items())
    return 1 + len(str(value))


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=3), min_size=1, max_size=7),
    st.sampled_from(["map", "list"]),
)
def test_a_document_is_as_large_as_what_is_met_on_a_walk(levels: list[list[int]], kind: str) -> None:
    """Each level names earlier ones, or a text when there is none of this number."""
    lines = []
    for number, names in enumerate(levels):
        found = [f"*a{name}" if name < number else "text" for name in names]
        items = [f"k{index}: {each}" for index, each in enumerate(found)] if kind == "map" else found
        lines.append(f"r{number}: &a{number} " + "[{"[kind == "map"] + ", ".join(items) + "]}"[kind == "map"])
    text = "\n".join(lines)
    size = walked(yaml.safe_load(text))

    check_aliases(node_of(text), size)
    if "*" in text:
        with pytest.raises(TooManyAliases):
            check_aliases(node_of(text), size - 1)
    else:
        check_aliases(node_of(text), 0)


@pytest.mark.parametrize("text", ["&a [*a]", "a: &a {b: [x, *a]}", "&a {*a : b}"])
def test_a_document_that_holds_itself_is_refused(text: str) -> None:
    with pytest.raises(TooManyAliases, match="stands for what holds it"):
        check_aliases(node_of(text), 1_000_000)


def test_very_many_levels_are_counted_all_the_same() -> None:
    lines = ["a0: &a0 x", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 3000))]

    with pytest.raises(TooManyAliases, match=re.escape("1,000,000 characters")):
        check_aliases(node_of("\n".join(lines)), 1_000_000)


def bomb(levels: int) -> str:
    lines = [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    topic = f"{{Type: AWS::SNS::Topic, Properties: {{Tags: [{{Key: k, Value: *a{levels - 1}}}]}}}}"
    return "\n".join(["Metadata:", "  a0: &a0 [x,x,x,x,x,x,x,x,x,x]", *lines, "Resources:", f"  T: {topic}"])


def peak_bytes(lab: Lab) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{lab.pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


CALLS = {
    "validate_template": {},
    "create_stack": {"StackName": "aliases"},
    "create_change_set": {"StackName": "aliases", "ChangeSetName": "c", "ChangeSetType": "CREATE"},
    "get_template_summary": {},
}


@pytest.mark.parametrize("place", ["TemplateBody", "TemplateURL"])
@pytest.mark.parametrize("call", CALLS)
def test_a_template_whose_aliases_multiply_is_refused(lab: Lab, client: ClientFactory, call: str, place: str) -> None:
    template = bomb(9)
    if place == "TemplateURL":
        client("s3").create_bucket(Bucket="templates-with-aliases")
        client("s3").upload_fileobj(io.BytesIO(template.encode()), "templates-with-aliases", "t.yaml")
        template = f"{lab.endpoint}/templates-with-aliases/t.yaml"
    before = peak_bytes(lab)

    with pytest.raises(ClientError, match=r"ValidationError.*too many aliases"):
        getattr(client("cloudformation"), call)(**CALLS[call], **{place: template})

    assert peak_bytes(lab) - before < 50_000_000


def test_a_template_with_a_few_aliases_is_taken(client: ClientFactory) -> None:
    template = """
Metadata: {Tags: &tags [{Key: k, Value: v}]}
Resources:
  One: {Type: AWS::SNS::Topic, Properties: {Tags: *tags}}
  Two: {Type: AWS::SNS::Topic, Properties: {Tags: *tags}}
"""
    assert client("cloudformation").validate_template(TemplateBody=template)["Parameters"] == []
