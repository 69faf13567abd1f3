"""What a synth of ``app.py`` costs beside that of a CDK app with one empty bucket.

All run in turn, in each second round the other way round, in processes of their own, with the flags of cdk.json and
CDK's template validation. The bucket's app runs once with the same rule packs (its findings stop that synth only when
all the work is done) and once with none. A third peer makes a key, two buckets and a trail without our construct. A
fourth one copies the resources and outputs of our template one by one, as types and texts: no construct of a service is
loaded, and no rule applies to it. It is the cheapest way to write that template that was found.

Each figure is the median, over the rounds, of the CPU time beside that of another app in the same round, Python's and
Node's together: what else the machine does slows both. The last column is the cost beside that of one bucket with the
same packs. For ``app.py`` it is the figure that counts, and for the two peers with our parts the least that it can be.

CPU time counts what Node compiles in the background, also what it still compiles at its end, and there is a step in it.
CDK's validator is WebAssembly, of which V8 compiles a function anew once it has run for long enough. Of two functions,
of 210 and 50 KB, that takes 0.33 and 0.07 seconds, a sixth of the synth of one bucket, whose template is too small for
either. The first one needs no more than a key with the policy that CloudTrail wants; the reviewed template gives it
eight times as much to do (``node --trace-wasm-compilation-times --wasm-tiering-budget=…``). What ``app.py``
itself runs beyond the bucket, from the stack to the template, takes 0.06 seconds, and the parts alone 0.02 of them. How
much else is compiled before Node ends depends on what the machine does beside: figures between 1.12 and 1.36 were seen.

The calls from Python to Node are counted as well; unlike seconds they are the same each time. One more call costs 0.1
to 0.7 milliseconds of both, so that all that ``app.py`` makes beyond those of the parts are less than a thirtieth of a
synth.

Run it with ``python -m benchmarks.synth``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
# The calls to Node are counted at the exit, in a file beside the template.
_COUNTED = """
import atexit, os, pathlib, runpy, sys
from jsii._kernel.providers import process
calls, send = [], process._NodeProcess.send
def counting(*arguments):
    calls.append(1)
    return send(*arguments)
process._NodeProcess.send = counting
atexit.register(lambda: pathlib.Path(os.environ["CDK_OUTDIR"], "calls").write_text(str(len(calls))))
{app}
"""
_APP = """
import aws_cdk as cdk
from aws_cdk import aws_cloudtrail, aws_kms, aws_s3
app = cdk.App()
{packs}
stack = cdk.Stack(app, "Stack", synthesizer=cdk.LegacyStackSynthesizer())
{resources}
app.synth()
"""
_PACKS = "from constructs_lib.compliance import add_rule_packs; add_rule_packs(app)"
_BUCKET = 'aws_s3.Bucket(stack, "Bucket")'
_PARTS = """
key = aws_kms.Key(stack, "Key", alias="alias/key", enable_key_rotation=True)
logs = aws_s3.Bucket(stack, "Logs")
bucket = aws_s3.Bucket(stack, "Bucket", encryption_key=key, server_access_logs_bucket=logs)
aws_cloudtrail.CfnTrail(
    stack, "Trail", trail_name="trail", s3_bucket_name=bucket.bucket_name, kms_key_id=key.key_arn, is_logging=True
)
"""
# What a snapshot test holds `app.py` to.
_REVIEWED = next((_ROOT / "tests/cdk/__snapshots__").rglob("*reviewed*.json"))
_COPY = f"""
import json
template = json.loads(pathlib.Path({str(_REVIEWED)!r}).read_text())
for name, each in template["Resources"].items():
    cdk.CfnResource(stack, name, type=each["Type"], properties=each["Properties"])
for name, each in template["Mappings"].items():
    cdk.CfnMapping(stack, name, mapping=each)
for name, each in template["Outputs"].items():
    cdk.CfnOutput(stack, name, value=cdk.Token.as_string(cdk.Token.as_any(each["Value"])))
"""
OURS = "app.py"
_SAME_PACKS = "one bucket, same rule packs"
APPS = {
    "one bucket": _APP.format(packs="", resources=_BUCKET),
    _SAME_PACKS: _APP.format(packs=_PACKS, resources=_BUCKET),
    "the parts, same rule packs": _APP.format(packs=_PACKS, resources=_PARTS),
    "our template, copied": _APP.format(packs=_PACKS, resources=_COPY),
    OURS: "runpy.run_path('app.py', run_name='__main__')",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one synth cost: CPU time of all its processes, and calls from Python to Node."""

    cpu_seconds: float
    calls: int


def synth(app: str, context: str) -> Cost:
    """The cost of one synth. A finding is no failure: the work was done.

    :raises RuntimeError: no template was written.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [sys.executable, "-c", _COUNTED.format(app=app)],
            cwd=_ROOT,
            env={**os.environ, "CDK_OUTDIR": out, "CDK_CONTEXT_JSON": context, "PYTHONPATH": str(_ROOT)},
            capture_output=True,
            check=False,
        )
        if not list(Path(out).glob("*.template.json")):
            raise RuntimeError(f"No template was written by {app}")
        calls = int(Path(out, "calls").read_text())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, calls)


def _ratio(of: Sequence[Cost], to: Sequence[Cost]) -> float:
    """How many times as much CPU time: the median over the rounds."""
    return statistics.median(one.cpu_seconds / other.cpu_seconds for one, other in zip(of, to, strict=True))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.synth", description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=11, help="how often each app runs (default: %(default)s)")
    arguments = parser.parse_args(argv)
    context = json.dumps(json.loads((_ROOT / "cdk.json").read_text())["context"])
    costs: dict[str, list[Cost]] = {name: [] for name in APPS}
    for number in range(arguments.rounds):
        sys.stderr.write(f"round {number + 1} of {arguments.rounds}\n")
        # What runs after what is the same in no two rounds in turn, so that neither gains by it.
        for name in list(APPS)[:: -1 if number % 2 else 1]:
            costs[name].append(synth(APPS[name], context))
    for name, rounds in costs.items():
        seconds = statistics.median(cost.cpu_seconds for cost in rounds)
        sys.stdout.write(
            f"{name:28} {seconds:5.2f} s CPU {rounds[0].calls:5} calls   {OURS}: {_ratio(costs[OURS], rounds):.2f} x   "
            f"beside {_SAME_PACKS}: {_ratio(rounds, costs[_SAME_PACKS]):.2f} x\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
