"""Programs, run as a person or CI runs them, and without any AWS account in reach."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cdk.conftest import ROOT

BIN = Path(sys.executable).parent


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run with this environment's node and python first, and without any AWS account in reach."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**inherited, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "CDK_DISABLE_CLI_TELEMETRY": "1"}
        | environment,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
