"""Validates, and remembers in a state file what was proven."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from verify.integrity.reader import Pools
from verify.integrity.result import OnProgress, Result
from verify.integrity.sources import PreparedValidation
from verify.integrity.state import later, save_state
from verify.integrity.timeline.verdict import BAD
from verify.integrity.validate import Validation


def check(ready: PreparedValidation, pools: Pools, on_progress: OnProgress, state: Path | None = None) -> Result:
    """Validate what is ready.

    :param state: where to remember what was proven; ``ready`` was made with the same one.
    :raises UsageError: the state file cannot be written.
    """
    # Of a bundle, what no digest names is read as well: it may not be what the export kept.
    reads_unlisted = ready.bundle is not None
    validation = Validation(ready.request, ready.store, ready.facts, pools, on_progress, reads_unlisted=reads_unlisted)
    result = validation.run()
    result = with_changes(result, ready)
    if state is not None and ready.remembers_as is not None:
        anchors = {chain.chain: chain.anchor for chain in result.chains if chain.anchor}
        save_state(state, result.trail, ready.remembers_as, later(ready.request.anchors, anchors))
    return result


def with_changes(result: Result, ready: PreparedValidation) -> Result:
    """With what shows that the bundle that was validated, if it was one, is not as its export left it."""
    if ready.bundle is None:
        return result
    problems = [problem for chain in result.chains for problem in chain.tally.problems]
    known = {problem.subject: problem.verdict for problem in sorted(problems, key=lambda one: one.verdict in BAD)}
    reads_all = not ready.request.is_quick
    changes = tuple(ready.bundle.changes(ready.selection, result.period, known, reads_all=reads_all))
    return replace(result, foreign=(*result.foreign, *changes))
