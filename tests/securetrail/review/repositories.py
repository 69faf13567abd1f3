"""Repositories of git's own making, for tests."""

import json
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# An app without the CDK: its one stack is what lies beside it.
APP = """
import json, os, pathlib
out = pathlib.Path(os.environ["CDK_OUTDIR"])
artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "S.template.json"}}
(out / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": {"S": artifact}}))
(out / "S.template.json").write_text(pathlib.Path("template.json").read_text())
"""
TRAIL = {
    "Type": "AWS::CloudTrail::Trail",
    "Properties": {"TrailName": "audit", "IsLogging": True, "S3BucketName": "logs", "EnableLogFileValidation": True},
}

_IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody who has no settings."""
    return subprocess.run(
        ["git", *_IDENTITY, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def commit(folder: Path, message: str = "A state of the project") -> str:
    """Commit everything that is in the folder; the commit's id."""
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD").strip()


def new_repository(folder: Path, *, python: str = "python3 app.py") -> Path:
    """A repository with an app of one trail, committed on the branch ``main``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(APP)
    (folder / "cdk.json").write_text(json.dumps({"app": python}))
    write_template(folder, T=TRAIL)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    return folder


def write_template(folder: Path, **resources: dict[str, Any]) -> None:
    """Let the app have these resources."""
    (folder / "template.json").write_text(json.dumps({"Resources": resources}))


def trail(**properties: Any) -> dict[str, Any]:
    """The trail with other properties."""
    return {**TRAIL, "Properties": {**TRAIL["Properties"], **properties}}  # type: ignore[dict-item]


def wheel(folder: Path, name: str, version: str, modules: Mapping[str, str]) -> None:
    """A distribution of these files, as a wheel."""
    folder.mkdir(exist_ok=True)
    about = f"{name}-{version}.dist-info"
    files = {
        **modules,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{each},,\n" for each in (*files, f"{about}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(path, text)
