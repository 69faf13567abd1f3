"""Validates, and remembers in a state file what was proven."""

from __future__ import annotations

from pathlib import Path

from verify.integrity.reader import Pools
from verify.integrity.result import OnProgress, Result
from verify.integrity.sources import PreparedValidation
from verify.integrity.state import later, save_state
from verify.integrity.validate import Validation


def check(ready: PreparedValidation, pools: Pools, on_progress: OnProgress, state: Path | None = None) -> Result:
    """Validate what is ready.

    :param state: where to remember what was proven; ``ready`` was made with the same one.
    :raises UsageError: the state file cannot be written.
    """
    result = Validation(ready.request, ready.store, ready.facts, pools, on_progress).run()
    if state is not None and ready.remembers_as is not None:
        anchors = {chain.chain: chain.anchor for chain in result.chains if chain.anchor}
        save_state(state, result.trail, ready.remembers_as, later(ready.request.anchors, anchors))
    return result
