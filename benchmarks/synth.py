"""What a synth of the lab's app costs beside that of a CDK app with one empty bucket.

Both run in turn, in processes of their own, with the flags of cdk.json and CDK's template validation; the bucket's app
once with the same rule packs and once with none. The figure is the least CPU time of all rounds, Python's and Node's
together: unlike the clock it does not count what else the machine does.

Run it with ``python -m benchmarks.synth``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_BUCKET = """
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
app = cdk.App()
{packs}
s3.Bucket(cdk.Stack(app, "Stack", synthesizer=cdk.LegacyStackSynthesizer()), "Bucket")
app.synth()
"""
_PACKS = "from constructs_lib.compliance import add_rule_packs; add_rule_packs(app)"
_APPS = {
    "one bucket": ["-c", _BUCKET.format(packs="")],
    "one bucket, same rule packs": ["-c", _BUCKET.format(packs=_PACKS)],
    "the lab's app": ["app.py"],
}


def cpu_seconds(program: Sequence[str], context: str) -> float:
    """The CPU time of one synth, with all its processes. A finding is no failure: the work was done."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [sys.executable, *program],
            cwd=_ROOT,
            env={**os.environ, "CDK_OUTDIR": out, "CDK_CONTEXT_JSON": context, "PYTHONPATH": str(_ROOT)},
            capture_output=True,
            check=False,
        )
        if not list(Path(out).glob("*.template.json")):
            raise RuntimeError(f"{program} wrote no template")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.synth", description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each app runs (default: %(default)s)")
    arguments = parser.parse_args(argv)
    context = json.dumps(json.loads((_ROOT / "cdk.json").read_text())["context"])
    least = dict.fromkeys(_APPS, float("inf"))
    for number in range(arguments.rounds):
        sys.stderr.write(f"round {number + 1} of {arguments.rounds}\n")
        for name, program in _APPS.items():
            least[name] = min(least[name], cpu_seconds(program, context))
    ours = least["the lab's app"]
    for name, seconds in least.items():
        sys.stdout.write(f"{name:28} {seconds:5.2f} s CPU   the lab's app: {ours / seconds:.2f} x\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
