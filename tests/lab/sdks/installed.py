"""Where the SDKs are that are no packages of Python."""

import fcntl
import subprocess
from pathlib import Path

from tests.programs import needs

GO = Path("/usr/share/gocode/src/github.com/aws/aws-sdk-go-v2")


def javascript_folder() -> Path:
    """The folder of the programs in JavaScript, with the SDK's packages, which are installed once and apart."""
    needs("npm")
    folder = Path(__file__).parent / "javascript"
    with (folder / "package.json").open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not (folder / "node_modules" / ".package-lock.json").exists():
            subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], check=True, cwd=folder)
    return folder
