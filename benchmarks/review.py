"""What a review of the lab's app costs beside the two synths that it is made of.

The change is what is committed, and so is the base: nothing differs, and the answer is one line. The peer runs the same
app twice, in the review's own way, one after the other. All run in turn; the figure is the median of the seconds of a
review beside those of the peer in the same round, and the same for CPU time.

Run it with ``python -m benchmarks.review``. It fails when a review takes more than 1.3 times the peer's CPU time.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from securetrail.review.sides.synth import App, synthesize

_ROOT = Path(__file__).resolve().parents[1]
_LIMIT = 1.3
_PROJECT = ("app.py", "cdk.json", "constructs_lib", "stacks", "securetrail", "verify", "lab")


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took: seconds, and CPU seconds of its processes."""

    seconds: float
    cpu_seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.review", description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each runs (default: %(default)s)")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        project = _project(Path(folder))
        costs: list[tuple[Cost, Cost]] = []
        for number in range(arguments.rounds):
            sys.stderr.write(f"round {number + 1} of {arguments.rounds}\n")
            costs.append((_cost(lambda: _synths(project)), _cost(lambda: _review(project))))
    cpu = statistics.median(review.cpu_seconds / synths.cpu_seconds for synths, review in costs)
    seconds = statistics.median(review.seconds / synths.seconds for synths, review in costs)
    for name, index in (("two synths", 0), ("the review", 1)):
        sys.stdout.write(
            f"{name:12} {statistics.median(round_[index].seconds for round_ in costs):6.2f} s"
            f" {statistics.median(round_[index].cpu_seconds for round_ in costs):6.2f} s CPU\n"
        )
    sys.stdout.write(
        f"the review beside the synths: {seconds:.2f} x the time, {cpu:.2f} x the CPU (at most {_LIMIT})\n"
    )
    return int(cpu > _LIMIT)


def _project(folder: Path) -> Path:
    """A repository with the lab's app, committed."""
    project = folder / "project"
    project.mkdir()
    for name in _PROJECT:
        source = _ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project / name)
    (project / ".gitignore").write_text("__pycache__/\n")
    identity = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com", "-c", "commit.gpgsign=false")
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "-m", "It"]):
        subprocess.run(["git", *identity, *command], cwd=project, check=True)
    return project


def _synths(project: Path) -> None:
    for _ in range(2):
        with tempfile.TemporaryDirectory() as out:
            app = App("base", project, None, {}, Path(sys.executable))
            (done,) = synthesize([(app, Path(out, "assembly"))])
            if done.code or not (done.assembly / "manifest.json").is_file():
                raise RuntimeError(f"The synth failed:\n{done.said}")


def _review(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "securetrail", "review", "--base=main"],
        cwd=project,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or "nothing changes" not in done.stdout:
        raise RuntimeError(f"The review says something else:\n{done.stdout}{done.stderr}")


def _cost(run: Callable[[], None]) -> Cost:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run()
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    sys.exit(main())
