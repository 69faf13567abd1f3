"""The rules that hold the house up (docs/architecture.md)."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from verify import target

ROOT = Path(__file__).parents[1]
CDK_SIDE = ["app.py", "stacks", "constructs_lib"]


def sources(*places: str) -> list[Path]:
    return [
        path
        for place in places
        for path in ([ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py")))
    ]


def imports(path: Path) -> Iterator[str]:
    """The top-level package of every import in a file, also of those inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize(
    ("wing", "forbidden"),
    [
        (["verify"], {"aws_cdk", "cdk_nag", "constructs", "constructs_lib", "stacks", "app", "lab", "ministack"}),
        (["lab"], {"aws_cdk", "cdk_nag", "constructs", "constructs_lib", "stacks", "app", "verify"}),
        (CDK_SIDE, {"boto3", "botocore", "verify", "lab", "ministack", "urllib", "socket", "requests"}),
    ],
)
def test_the_wings_never_import_each_other(wing: list[str], forbidden: set[str]) -> None:
    found = {
        (str(path.relative_to(ROOT)), name) for path in sources(*wing) for name in imports(path) if name in forbidden
    }

    assert found == set()


def test_only_aws_py_builds_clients() -> None:
    outside = [path for path in sources("verify") if path != ROOT / "verify/aws.py"]

    assert [path for path in outside if {"boto3", "botocore"} & set(imports(path))] == []


def test_only_the_command_line_prints() -> None:
    """In the verifier: only ``verify/cli`` and ``verify/report/terminal.py`` write to the terminal."""
    printing = (
        ".out.print",
        ".err.print",
        ".out.file.write",
        ".err.file.write",
        "sys.stdout.write",
        "sys.stderr.write",
    )
    elsewhere = [
        path
        for path in sources("verify", "lab", "constructs_lib", "stacks")
        if "cli" not in path.relative_to(ROOT).as_posix().split("/")[1] and path != ROOT / "verify/report/terminal.py"
    ]

    assert [
        str(path.relative_to(ROOT))
        for path in elsewhere
        if any(call == "print" or call.endswith(printing) for call in calls(path))
    ] == []


def test_a_stack_makes_no_resource_and_nothing_looks_anything_up() -> None:
    made = {
        call
        for path in sources("stacks")
        for call in calls(path)
        if call.startswith(("cloudtrail.", "kms.", "s3.", "iam.", "cdk.CfnResource"))
    }
    looked_up = {
        call for path in sources(*CDK_SIDE) for call in calls(path) if call.endswith((".from_lookup", "_lookup"))
    }

    assert (made, looked_up) == (set(), set())


def test_the_verifier_runs_without_cdk_node_or_the_lab() -> None:
    """Blocks every package that the verifier must not need, then asks for help."""
    program = (
        "import sys\n"
        "for name in ('aws_cdk', 'cdk_nag', 'constructs', 'jsii', 'ministack'): sys.modules[name] = None\n"
        "from verify.cli import main\n"
        "main(['--help'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={"PATH": ""}, text=True, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "exit codes" in done.stdout


def test_stack_and_verifier_agree_on_the_output_names() -> None:
    snapshot = next((ROOT / "tests/cdk/__snapshots__").rglob("*reviewed*.json"))
    needed = {value for name, value in vars(target).items() if name.startswith("OUTPUT_")}
    assert len(needed) == 5
    assert needed <= set(json.loads(snapshot.read_text())["Outputs"])
