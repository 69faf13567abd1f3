"""What docs/by-hand.md makes with the AWS CLI passes the same checks: it matters what is deployed, not how."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.instance import control
from tests.end_to_end.conftest import ROOT, Account
from verify.cli import main


def commands(language: str) -> str:
    text = (ROOT / "docs/by-hand.md").read_text()
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))


@pytest.mark.slow
def test_the_lab_by_hand_passes_every_check(
    account: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    # What the shell learnt on the way is needed again to clear up.
    names = tmp_path / "names"
    done = bash(f"{commands('bash')}\ndeclare -p trail key > {names}", environment)
    assert done.returncode == 0, done.stderr

    control.deliver(account.lab)
    exit_code = main(["check", "--region", account.region])

    assert (exit_code, "7/7" in capsys.readouterr().out) == (0, True)

    cleared = bash(f"set -euo pipefail; source {names}\n{commands('sh')}", environment)
    assert cleared.returncode == 0, cleared.stderr
    assert account.client("cloudtrail").describe_trails()["trailList"] == []


def bash(script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", script], env=environment, text=True, capture_output=True, timeout=120)
