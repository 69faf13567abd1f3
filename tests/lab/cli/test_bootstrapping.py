"""What an app needs bootstrapped, as its cloud assembly says, and what of it is missing."""

import json
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, WaiterError

from lab.cli import bootstrapping
from lab.cli.bootstrapping import Environment, missing
from lab.errors import LabError
from lab.instance.folder import Lab
from lab.instance.lifecycle import Stack
from lab.scenarios.actor import Actor

FRANKFURT = "aws://444455556666/eu-central-1"
OURS = Environment("444455556666", "eu-central-1", "ours", "CDKToolkit-ours")


def nowhere(_: Environment) -> bool:
    return False


def needs(parameter: str = "/cdk-bootstrap/hnb659fds/version") -> dict[str, object]:
    return {"requiresBootstrapStackVersion": 6, "bootstrapStackVersionSsmParameter": parameter}


def stack(environment: str, **properties: object) -> dict[str, object]:
    return {"type": "aws:cloudformation:stack", "environment": environment, "properties": properties}


def write(folder: Path, artifacts: Mapping[str, object]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))


@pytest.mark.parametrize(
    ("artifact", "expected"),
    [
        (stack(FRANKFURT, templateFile="SecureTrail.template.json"), None),
        ({"type": "cdk:tree"}, None),
        ({"type": "cdk:asset-manifest", "properties": needs()}, None),
        (stack(FRANKFURT, **needs()), Environment("444455556666", "eu-central-1")),
        (stack("aws://unknown-account/unknown-region", **needs()), Environment("111122223333", "us-east-1")),
        (
            stack(FRANKFURT, **needs("/cdk-bootstrap/ours/version")),
            OURS,
        ),
    ],
)
def test_a_stack_says_what_it_needs(
    lab: Lab, tmp_path: Path, artifact: dict[str, object], expected: Environment | None
) -> None:
    write(tmp_path, {"Stack": artifact})

    assert missing(lab, tmp_path, [], nowhere) == ([expected] if expected else [])


def test_a_stage_is_an_assembly_of_its_own(lab: Lab, tmp_path: Path) -> None:
    write(tmp_path, {"Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}})
    write(tmp_path / "assembly-Prod", {"Stack": stack(FRANKFURT, **needs())})

    assert missing(lab, tmp_path, [], nowhere) == [Environment("444455556666", "eu-central-1")]


def test_what_is_bootstrapped_is_not_missing(lab: Lab, tmp_path: Path) -> None:
    write(tmp_path, {region: stack(f"aws://111122223333/{region}", **needs()) for region in ("eu-west-1", "sa-east-1")})

    found = missing(lab, tmp_path, [], lambda each: each.region == "eu-west-1")

    assert found == [Environment("111122223333", "sa-east-1")]


def test_each_qualifier_of_an_account_and_region_has_a_stack_of_its_own(lab: Lab, tmp_path: Path) -> None:
    write(
        tmp_path,
        {"One": stack(FRANKFURT, **needs()), "Two": stack(FRANKFURT, **needs("/cdk-bootstrap/ours/version"))},
    )
    first = Environment("444455556666", "eu-central-1")
    there = [Stack("CDKToolkit", "CREATE_COMPLETE", "444455556666", "eu-central-1")]

    assert missing(lab, tmp_path, [], nowhere) == [first, OURS]
    assert missing(lab, tmp_path, there, lambda each: each.qualifier == first.qualifier) == [OURS]
    # Somebody bootstrapped with another qualifier, whose stack stays as it is.
    assert missing(lab, tmp_path, there, lambda each: each.qualifier == "ours") == [
        Environment("444455556666", "eu-central-1", toolkit="CDKToolkit-hnb659fds")
    ]


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"])
def test_a_stack_that_was_never_made_whole_is_missing(lab: Lab, tmp_path: Path, status: str) -> None:
    write(tmp_path, {"Stack": stack(FRANKFURT, **needs())})
    failed = [Stack("CDKToolkit", status, "444455556666", "eu-central-1")]

    assert missing(lab, tmp_path, failed, lambda _: True) == [Environment("444455556666", "eu-central-1")]


@pytest.mark.parametrize("failing", ["delete_stack", "get_waiter"])
def test_a_failed_stack_that_cannot_be_deleted_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    cloudformation = Mock()
    cloudformation.delete_stack.side_effect = ClientError({}, "DeleteStack") if failing == "delete_stack" else None
    cloudformation.get_waiter.return_value.wait.side_effect = WaiterError("W", "it is DELETE_FAILED", {})
    monkeypatch.setattr(Actor, "client", lambda *_: cloudformation)
    environment = Environment("444455556666", "eu-central-1")
    failed = [Stack("CDKToolkit", "DELETE_FAILED", environment.account, environment.region)]

    with pytest.raises(LabError, match=r"CDKToolkit in aws://444455556666/eu-central-1 cannot be deleted: .*events"):
        bootstrapping.remove_failed(lab, environment, failed)


def test_only_a_whole_assembly_of_this_deployment_tells(lab: Lab, tmp_path: Path) -> None:
    assert missing(lab, tmp_path, [], nowhere) == [], "nothing is synthesized"

    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"artifacts": {"Secure')
    assert missing(lab, tmp_path, [], nowhere) == [], "Ctrl-C came in the middle of a synth"
    write(tmp_path, {"Stack": stack(FRANKFURT, **needs())})

    assert missing(lab, tmp_path, [], nowhere, since_seconds=manifest.stat().st_mtime)
    later = manifest.stat().st_mtime + 1
    assert missing(lab, tmp_path, [], nowhere, since_seconds=later) == [], "an earlier run left it"
