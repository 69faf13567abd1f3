"""Two sides under the same assumptions: conditions, stacks that use one another, and renamed resources."""

from __future__ import annotations

from typing import Any

from securetrail.review.template import Id, NotComparable, Template, Variant, variants


def queue(name: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}, **more}


def conditional(count: int) -> dict[str, Any]:
    names = [f"C{number}" for number in range(count)]
    return {
        "Parameters": {name: {"Type": "String", "Default": "no"} for name in names},
        "Conditions": {name: {"Fn::Equals": [{"Ref": name}, "yes"]} for name in names},
        "Resources": {name: queue({"Fn::If": [name, "one", "other"]}) for name in names},
    }


def names(variant: Variant) -> list[Any]:
    return [resource.properties["QueueName"] for resource in variant.head.values()]


def test_every_assignment_of_the_conditions_is_tried() -> None:
    template = Template("Stack", conditional(2))

    found = variants([template], [template])

    assert [names(variant) for variant in found] == [
        ["one", "one"],
        ["one", "other"],
        ["other", "one"],
        ["other", "other"],
    ]
    assert all(variant.base == variant.head for variant in found)
    assert len({variant.assumptions for variant in found}) == 4


def test_with_too_many_conditions_what_depends_on_them_is_not_comparable() -> None:
    template = Template("Stack", conditional(7))

    (variant,) = variants([template], [template])

    assert all(isinstance(name, NotComparable) for name in names(variant))
    assert variant.base == variant.head


def test_a_condition_that_nothing_depends_on_makes_no_variant() -> None:
    body = {**conditional(1), "Resources": {"Queue": queue("q")}}

    assert len(variants([Template("Stack", body)], [Template("Stack", body)])) == 1


def test_the_same_comparison_under_another_name_is_the_same_assumption() -> None:
    base = conditional(1)
    head = {
        **base,
        "Conditions": {"Renamed": base["Conditions"]["C0"]},
        "Resources": {"C0": queue({"Fn::If": ["Renamed", "one", "other"]})},
    }

    found = variants([Template("Stack", base)], [Template("Stack", head)])

    assert len(found) == 2
    assert all(variant.base == variant.head for variant in found)


def test_conditions_are_made_of_conditions() -> None:
    body = {
        "Parameters": {"Stage": {"Type": "String", "Default": "prod"}},
        "Conditions": {
            "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
            "IsNot": {"Fn::Not": [{"Condition": "IsProd"}]},
            "Never": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsNot"}]},
            "Always": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsNot"}]},
            "Written": {"Fn::Equals": ["a", "b"]},
        },
        "Resources": {
            "A": queue({"Fn::If": ["IsNot", "not", "prod"]}),
            "B": queue("b", Condition="Never"),
            "C": queue("c", Condition="Always"),
            "D": queue("d", Condition="Written"),
        },
    }
    template = Template("Stack", body)

    assert [names(variant) for variant in variants([template], [template])] == [["prod", "c"], ["not", "c"]]


def test_a_nested_stack_is_given_its_parents_values_and_gives_its_outputs() -> None:
    parent = {
        "Resources": {
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "logs"}},
            "Nested": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {"Parameters": {"Target": {"Fn::GetAtt": ["Bucket", "Arn"]}}},
            },
            "Queue": queue({"Fn::GetAtt": ["Nested", "Outputs.Name"]}),
        }
    }
    nested = {
        "Parameters": {"Target": {"Type": "String"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Target"}}}},
        "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["Topic", "TopicName"]}}},
    }
    side = [Template("Stack", parent), Template("Stack/Nested", nested, parent=Id("Stack", "Nested"))]

    (variant,) = variants(side, side)

    topic = variant.head[Id("Stack/Nested", "Topic")]
    assert topic.properties["DisplayName"] == "arn:aws:s3:::logs"
    assert topic.dependencies == {Id("Stack", "Bucket")}
    assert variant.head[Id("Stack", "Queue")].properties["QueueName"] == topic.arn.rpartition(":")[2]


def test_exports_and_outputs_of_other_stacks_are_what_they_name() -> None:
    shared = {
        "Resources": {"Key": {"Type": "AWS::KMS::Key"}},
        "Outputs": {
            "KeyArn": {
                "Value": {"Fn::GetAtt": ["Key", "Arn"]},
                "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-key"}},
            }
        },
    }
    user = {
        "Resources": {
            "A": queue({"Fn::ImportValue": "Shared-key"}),
            "B": queue({"Fn::GetStackOutput": {"StackName": "Shared", "OutputName": "KeyArn"}}),
        }
    }
    side = [Template("Shared", shared), Template("User", user)]

    (variant,) = variants(side, side)

    key = variant.head[Id("Shared", "Key")].arn
    assert [variant.head[Id("User", name)].properties["QueueName"] for name in "AB"] == [key, key]
    assert variant.head[Id("User", "A")].dependencies == {Id("Shared", "Key")}


def test_a_renamed_resource_has_the_bases_names_everywhere() -> None:
    def side(stack: str, key: str) -> Template:
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": key}}}
        return Template(stack, {"Resources": {key: {"Type": "AWS::KMS::Key"}, "Topic": topic}})

    renamed = {Id("New", "Archive"): Id("Old", "Key"), Id("New", "Topic"): Id("Old", "Topic")}

    (variant,) = variants([side("Old", "Key")], [side("New", "Archive")], renamed)

    assert variant.base == variant.head
    (plain,) = variants([side("Old", "Key")], [side("New", "Archive")])
    assert plain.base.keys().isdisjoint(plain.head.keys())


def test_dependencies_are_all_that_a_resource_refers_to() -> None:
    body = {
        "Resources": {
            **{name: {"Type": "AWS::SNS::Topic"} for name in ("A", "B", "C", "D", "E")},
            "Queue": queue(
                {"Fn::Sub": ["${A}-${B.TopicName}-${X}", {"X": {"Ref": "C"}}]},
                DependsOn=["D"],
                Metadata={"of": {"Fn::GetAtt": "E.TopicArn"}},
            ),
        }
    }
    template = Template("Stack", body)

    (variant,) = variants([template], [template])

    assert variant.head[Id("Stack", "Queue")].dependencies == {Id("Stack", name) for name in "ABCDE"}
