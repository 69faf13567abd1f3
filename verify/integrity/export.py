"""Makes an evidence bundle by validating, and keeping what was read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from verify.errors import UsageError
from verify.integrity.bundle import MANIFEST, Bundle, RecordedFacts
from verify.integrity.collect import Pools
from verify.integrity.facts import Facts
from verify.integrity.result import OnProgress, Result
from verify.integrity.validate import Request, Validation
from verify.logs.keeping import KeepingObjectStore
from verify.logs.objects import ObjectStore


def export(
    request: Request, store: ObjectStore, facts: Facts, folder: Path, pools: Pools, on_progress: OnProgress
) -> tuple[Result, Bundle]:
    """Validate, and keep every file that was looked at in ``folder``; to be saved with the bundle returned.

    :raises UsageError: the folder holds a finished bundle, or the request is not one that can be exported.
    """
    if (folder / MANIFEST).exists():
        raise UsageError(f"--output {str(folder)!r} holds a finished bundle. Name another folder.")
    if request.is_quick or request.is_copy:
        raise UsageError("A bundle is made from the trail's own bucket, with its logs: leave out --quick and --source.")
    recorded = RecordedFacts(facts)
    keeping = KeepingObjectStore(store, folder)
    result = Validation(request, keeping, recorded, pools, on_progress, reads_unnamed=True).run()
    keeping.tidy_up()
    bundle = Bundle(
        trail=request.trail,
        period=request.period,
        made_at=request.now,
        chains={chain.chain: request.chains[chain.chain] for chain in result.chains if chain.chain in request.chains},
        rings=recorded.rings,
        statuses=recorded.statuses,
        logging_history=recorded.history(),
    )
    return replace(result, source=f"{result.source}, exported to {folder}"), bundle
