"""What docs/by-hand.md makes with the AWS CLI passes the same checks: it matters what is deployed, not how."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import ROOT, Account
from verify.cli import main


def commands(document: Path) -> str:
    return "\n".join(re.findall(r"^```bash\n(.*?)^```", document.read_text(), flags=re.MULTILINE | re.DOTALL))


def test_the_lab_by_hand_passes_every_check(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        ["bash", "-c", commands(ROOT / "docs/by-hand.md")],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr

    exit_code = main(["check", "--region", account.region])

    assert (exit_code, "7/7" in capsys.readouterr().out) == (0, True)
