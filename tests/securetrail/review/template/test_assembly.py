"""Cloud assemblies as `cdk synth` writes them, and folders that are none."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn

from securetrail.review.template import SETS_RETENTIONS, AssemblyError, Id, read_assembly, variants

pytestmark = pytest.mark.regular


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack, a Stage with a stack of a known environment, and in it a nested stack that uses its parent."""
    app = cdk.App(outdir=str(tmp_path_factory.mktemp("assembly")))
    sns.Topic(cdk.Stack(app, "Plain"), "Topic")
    stage = cdk.Stage(app, "Prod")
    stack = cdk.Stack(stage, "Trail", env=cdk.Environment(account="111122223333", region="eu-west-1"))
    topic = sns.Topic(stack, "Topic", topic_name="alerts")
    nested = cdk.NestedStack(stack, "Inner")
    sns.Topic(nested, "Copy", display_name=topic.topic_arn)
    app.synth()
    return Path(app.outdir)


def test_stages_and_nested_stacks_are_read(assembly: Path) -> None:
    found = read_assembly(assembly)

    assert [(each.account, each.region) for each in found] == [
        ("", ""),
        ("111122223333", "eu-west-1"),
        ("111122223333", "eu-west-1"),
    ]
    plain, trail, inner = found
    assert (plain.stack, trail.stack) == ("Plain", "Prod/Trail")
    assert inner.parent is not None
    assert inner.parent.stack == "Prod/Trail"
    assert inner.stack == str(inner.parent)


def test_a_nested_stack_knows_its_parents_topic(assembly: Path) -> None:
    templates = read_assembly(assembly)

    (variant,) = variants(templates, templates)

    (copy,) = [each for each in variant.head.values() if "DisplayName" in each.properties]
    assert copy.properties["DisplayName"] == "arn:aws:sns:eu-west-1:111122223333:alerts"
    assert {id_.stack for id_ in copy.dependencies} == {"Prod/Trail"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "cannot read .*manifest.json: No such file"),
        ({"manifest.json": "{"}, "manifest.json is not JSON"),
        ({"manifest.json": "[]"}, "manifest.json is not a JSON object"),
        ({"manifest.json": '{"artifacts": []}'}, "not the manifest of a cloud assembly"),
        (
            {
                "manifest.json": json.dumps(
                    {"artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "S.json"}}}}
                )
            },
            "cannot read .*S.json",
        ),
    ],
)
def test_what_is_no_assembly_is_refused_with_the_file(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(AssemblyError, match=f"(?s){message}.*Fix: synthesize again"):
        read_assembly(tmp_path)


def nested(out: Path, synthesizer: cdk.IStackSynthesizer) -> cdk.App:
    """A stack in a stack in a stack, each with a topic."""
    app = cdk.App(outdir=str(out), analytics_reporting=False)
    outer = cdk.Stack(app, "Outer", synthesizer=synthesizer)
    inner = cdk.NestedStack(outer, "Inner")
    sns.Topic(inner, "Topic")
    sns.Topic(cdk.NestedStack(inner, "Innermost"), "Topic")
    return app


@pytest.mark.parametrize(
    "synthesizer",
    [cdk.DefaultStackSynthesizer, cdk.LegacyStackSynthesizer, cdk.CliCredentialsStackSynthesizer],
)
def test_the_template_of_a_nested_stack_is_the_one_that_its_url_leads_to(
    tmp_path: Path, synthesizer: type[cdk.DefaultStackSynthesizer]
) -> None:
    app = nested(tmp_path, synthesizer())
    app.synth()

    assert len(read_assembly(tmp_path)) == 3
    # What the metadata says of it is not what CloudFormation deploys.
    harmless = tmp_path / "harmless.json"
    harmless.write_text('{"Resources": {}}')
    outer = tmp_path / "Outer.template.json"
    template = json.loads(outer.read_text())
    (stack,) = template["Resources"].values()
    outer.write_text(json.dumps({"Resources": {"It": {**stack, "Metadata": {"aws:asset:path": harmless.name}}}}))
    assert len(read_assembly(tmp_path)) == 3
    elsewhere = {"Type": stack["Type"], "Properties": {"TemplateURL": "https://example.com/harmless.json"}}
    outer.write_text(json.dumps({"Resources": {"It": {**elsewhere, "Metadata": {"aws:asset:path": harmless.name}}}}))
    assert [each.stack for each in read_assembly(tmp_path)] == ["Outer"]


def test_an_assembly_that_shows_another_template_than_it_deploys_is_refused(tmp_path: Path) -> None:
    nested(tmp_path, cdk.DefaultStackSynthesizer()).synth()
    (tmp_path / "harmless.json").write_text('{"Resources": {}}')
    manifest = tmp_path / "manifest.json"
    text = manifest.read_text()

    for name, other in (
        ("Outer.template.json", "harmless.json"),
        ("s3://cdk-hnb659fds-assets", "s3://somebody-elses"),
    ):
        manifest.write_text(text.replace(name, other))
        with pytest.raises(AssemblyError, match=r"the deployment takes .*Fix: synthesize again"):
            read_assembly(tmp_path)


def test_ids_are_written_as_paths() -> None:
    assert str(Id("Prod/Trail", "Key")) == "Prod/Trail/Key"


def test_the_definition_of_a_state_machine_that_is_a_file_is_read(tmp_path: Path) -> None:
    definition = tmp_path / "definition.asl.json"
    definition.write_text('{"Resource": "arn:aws:states:::aws-sdk:cloudtrail:stopLogging"}')
    app = cdk.App(outdir=str(tmp_path / "out"))
    stack = cdk.Stack(app, "Plain")
    body = sfn.DefinitionBody.from_file(str(definition))
    sfn.StateMachine(stack, "Machine", definition_body=body)
    app.synth()

    (template,) = read_assembly(Path(app.outdir))

    (machine,) = [each for each in template.body["Resources"].values() if "StateMachine" in each["Type"]]
    assert "stopLogging" in machine["Properties"]["DefinitionString"]
    assert "DefinitionS3Location" not in machine["Properties"]


def test_no_template_says_itself_that_its_code_is_cdks(tmp_path: Path) -> None:
    function = {"Type": "AWS::Lambda::Function", "Properties": {}, "Metadata": {SETS_RETENTIONS: True, "kept": "yes"}}
    retention = {"Type": "Custom::LogRetention", "Properties": {"LogGroupName": "x"}}
    properties = {"templateFile": "S.json"}
    artifacts = {"S": {"type": "aws:cloudformation:stack", "properties": properties}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))

    for resources in ({"F": function}, {"F": function, "R": retention}):
        (tmp_path / "S.json").write_text(json.dumps({"Resources": resources}))
        (template,) = read_assembly(tmp_path)
        metadata = template.body["Resources"]["F"]["Metadata"]
        assert (metadata["kept"], metadata.get(SETS_RETENTIONS) is True) == ("yes", False)
