"""The `aws` that a shell would run: whether it goes where the lab's environment leads.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html names the first versions that do.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

_FIRST_MINOR = {1: 29, 2: 13}
_VERSION = re.compile(rb"aws-cli/(\d+)\.(\d+)\.(\d+)")
_ANSWER_SECONDS = 20.0


def notice_about_aws(path: str) -> str:
    """What there is to say about the first `aws` of a PATH, in a line; '' when it goes to the lab.

    The one that is installed beside this Python is pinned, and its version is not read.
    """
    found = shutil.which("aws", path=path)
    if found is None:
        return "there is no aws on PATH. Install the lab's own: make lab"
    if Path(found).parent == Path(sys.executable).parent:
        return ""
    version = _version(found)
    if version is None:
        return f"{found} does not say its version. Before 1.29 and 2.13 the AWS CLI ignores AWS_ENDPOINT_URL."
    major, minor, patch = version
    if minor >= _FIRST_MINOR.get(major, 0):
        return ""
    return (
        f"{found} is version {major}.{minor}.{patch}, which ignores AWS_ENDPOINT_URL: it calls AWS, and ends at a "
        "certificate that it does not trust, before it sends anything. Install the lab's own aws: make lab"
    )


def _version(program: str) -> tuple[int, int, int] | None:
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, stdin=subprocess.DEVNULL, timeout=_ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout + done.stderr)  # version 1 for Python 2 printed it to standard error
    return (int(found[1]), int(found[2]), int(found[3])) if found else None
