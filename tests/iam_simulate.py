"""`@cloud-copilot/iam-simulate`, an evaluator of IAM policies by others, as a program of its own."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[1] / "tools/iam_simulate"


def simulate(simulations: Iterable[dict[str, Any]]) -> list[str]:
    """What it says of each: `Allowed`, `ImplicitlyDenied`, `ExplicitlyDenied`, or `error:…`."""
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=_FOLDER, check=True)
    lines = "\n".join(map(json.dumps, simulations))
    done = subprocess.run(
        ["node", "simulate.mjs"], cwd=_FOLDER, input=lines, capture_output=True, text=True, check=True
    )
    return done.stdout.split()
