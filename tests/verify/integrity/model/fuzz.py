"""``python -m tests.verify.integrity.model.fuzz CASES SEED``: many cases, and how often each kind of thing occurred.

The seeds are SEED, SEED + 1, …: the same two numbers give the same cases again. ``--profile moves`` searches among
cases of one kind alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from tests.verify.integrity.model.attacker import ATTACKS
from tests.verify.integrity.model.cloudtrail import CALLS
from tests.verify.integrity.model.generator import LOSSES, PROFILES, draw
from tests.verify.integrity.model.run import law_of, run, shrink

_AT_ONCE = 50
# One of a hundred cases: what is rarer was not looked at.
_RAREST = 100
KINDS = (
    *CALLS, *ATTACKS, *(f"lost {loss}" for loss in LOSSES if loss != "metadata"),
    "call that changes nothing", "pause of less than a minute", "deleted and made anew", "delegated administrator",
    "moved there and back",
    "region on", "region off", "member joins", "member leaves", "organization", "one region", "quiet region",
    "asked from another account", "several trails", "several trails in a bucket",
    "the same trail name in another region", "key rotation", "outage", "late digest", "log listed by the next digest",
    "redelivered log", "backfill", "mode bucket", "mode folder", "mode copy", "mode bundle", "mode state",
    "freeze: an old copy", "rewrite a copy", "delete in a bundle", "alter in a bundle", "alter metadata in a bundle",
    "plant in a bundle",
    "rewrite a manifest", "a bundle whose files have other times", "a namesake in a copy",
    "clocks apart", "asked of one region or account", "asked with bucket and prefix", "a copy whose scope is told",
    "a copy whose scope is not told", "a copy below another prefix",
)  # fmt: skip


@dataclass
class Found:
    """What came of many cases.

    :param kinds: in how many cases each kind of thing occurred.
    :param failed: seeds with what did not hold.
    """

    cases: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """Take in more."""
        self.cases += other.cases
        self.kinds.update(other.kinds)
        self.failed += other.failed

    def rare(self) -> list[str]:
        """Kinds that occurred too seldom for the number of cases to mean anything."""
        return sorted(kind for kind in KINDS if self.kinds[kind] * _RAREST < self.cases)


def some(seeds: range, level: int = 2, profile: str = "") -> Found:
    """Run the cases of some seeds."""
    found = Found()
    for seed in seeds:
        outcome = run(draw(seed, level=level, profile=profile))
        found.cases += 1
        found.kinds.update(set(outcome.kinds))
        if outcome.violations:
            found.failed.append((seed, outcome.violations))
    return found


def explained(seed: int, level: int = 2, profile: str = "") -> str:
    """The smallest case that fails as a seed's does, and what the verifier says of it."""
    case = draw(seed, level=level, profile=profile)
    outcome = run(case)
    if outcome.violations:
        case = shrink(case, law_of(outcome.violations[0]))
        outcome = run(case)
    again = f"python -m tests.verify.integrity.model.fuzz 1 {seed} --level {level} --one"
    again += f" --profile {profile}" if profile else ""
    return "\n".join([str(case), *map(str, outcome.looks), *outcome.violations[:5], f"To see it again: {again}"])


def _summary(found: Found) -> Iterator[str]:
    for kind, count in sorted(found.kinds.items()):
        yield f"{count:7} {kind}"
    groups: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    for seed, violations in found.failed:
        groups.setdefault(law_of(violations[0]), []).append((seed, violations))
    for group in sorted(groups.values(), key=len, reverse=True):
        yield f"{len(group)} cases, such as seed {group[0][0]}: {group[0][1][0]}"


def main() -> int:
    """Run the fuzz."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--level", type=int, default=2, help="0: one trail in one account, and its bucket")
    parser.add_argument("--profile", choices=tuple(PROFILES), default="", help="cases of this kind alone")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--stop-after", type=int, default=10, help="so many counterexamples")
    parser.add_argument("--one", action="store_true", help="show the one seed, made as small as it can be")
    asked = parser.parse_args()
    if asked.one:
        _say(explained(asked.seed, asked.level, asked.profile))
        return 0
    began = time.monotonic()
    found = Found()
    last = asked.seed + asked.cases
    portions = [range(first, min(first + _AT_ONCE, last)) for first in range(asked.seed, last, _AT_ONCE)]
    with ProcessPoolExecutor(asked.processes) as pool:
        for portion in pool.map(partial(some, level=asked.level, profile=asked.profile), portions):
            found.add(portion)
            progress = f"{found.cases} cases, {len(found.failed)} failed, {time.monotonic() - began:.0f} s"
            sys.stderr.write(f"{progress}\n")
            for seed, violations in portion.failed:
                sys.stderr.write(f"seed {seed}: {violations[0]}\n")
            if len(found.failed) >= asked.stop_after:
                pool.shutdown(wait=False, cancel_futures=True)
                break
    for line in _summary(found):
        _say(line)
    _say(f"Seeds {asked.seed} to {asked.seed + found.cases - 1}: {found.cases} cases, {len(found.failed)} failed.")
    if found.failed:
        _say(explained(found.failed[0][0], asked.level, asked.profile))
        return 1
    if (rare := found.rare()) and not asked.profile:
        _say(f"In fewer than one of {_RAREST} cases: {', '.join(rare)}.")
        return 1
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
