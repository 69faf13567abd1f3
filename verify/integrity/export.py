"""Makes an evidence bundle: validates, and archives what was read."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

from verify.errors import UsageError
from verify.integrity.bundle import MANIFEST, Bundle, RecordedFacts
from verify.integrity.facts import Facts
from verify.integrity.reader import Pools
from verify.integrity.result import OnProgress, Result
from verify.integrity.validate import Validation, ValidationRequest
from verify.storage.archive import ArchivingObjectStore
from verify.storage.objects import ObjectStore

_MARKER = ".securetrail-export"
_SHOWN_ENTRIES = 3


def export(
    request: ValidationRequest, store: ObjectStore, facts: Facts, folder: Path, pools: Pools, on_progress: OnProgress
) -> tuple[Result, Bundle]:
    """Validate, and archive every file that was read in ``folder``; to be saved with the bundle returned.

    :raises UsageError: the folder holds anything but an export that was interrupted, or the request is not one that
        can be exported.
    """
    if request.is_quick or request.is_copy:
        raise UsageError("A bundle is made from the trail's own bucket, with its logs: leave out --quick and --source.")
    _mark_folder(folder)
    recorded = RecordedFacts(facts)
    archiving = ArchivingObjectStore(store, folder)
    result = Validation(request, archiving, recorded, pools, on_progress, reads_unlisted=True).run()
    archiving.tidy_up()
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


def _mark_folder(folder: Path) -> None:
    """Mark a new folder as an export's before anything else is written to it: files of others are never touched.

    :raises UsageError: it cannot be made, or it holds a finished bundle or files that are not an export's.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / MANIFEST).exists() and (folder / _MARKER).exists():
            raise UsageError(f"--output {str(folder)!r} holds a finished bundle. Name another folder.")
        if not (folder / _MARKER).exists():
            _refuse_entries(folder)
            (folder / _MARKER).write_text("Evidence that 'python -m verify integrity export' collects.\n")
    except OSError as error:
        raise UsageError(
            f"--output {str(folder)!r} cannot be used: {error.strerror or error}. Name a folder that is new or empty."
        ) from error


def _refuse_entries(folder: Path) -> None:
    names = sorted(entry.name for entry in islice(folder.iterdir(), 1000))
    if names:
        more = " and more" if len(names) > _SHOWN_ENTRIES else ""
        raise UsageError(
            f"--output {str(folder)!r} is not an export, for it holds {', '.join(names[:_SHOWN_ENTRIES])}{more}. "
            "Nothing was written. Name a folder that is new or empty, or that of an interrupted export."
        )
