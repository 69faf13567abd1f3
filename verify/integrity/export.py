"""Makes an evidence bundle by validating, and keeping what was read."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from verify.errors import UsageError
from verify.integrity.bundle import MANIFEST, Manifest, RecordedAnswers, RecordedFacts
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
) -> tuple[Result, Manifest]:
    """Validate, and keep every file that was looked at in ``folder``; to be saved with the manifest returned.

    :raises UsageError: the folder holds anything but an export that was interrupted, or the request is not one that
        can be exported.
    """
    # What an export writes vouches for itself later: it must not rest on what a copy or another bundle only claims.
    if request.is_quick or not request.origin.is_whole_at_its_end or request.at_best is not None:
        raise UsageError("A bundle is made from the trail's own bucket, with its logs: leave out --quick and --source.")
    _mark_folder(folder)
    recorded, other_trails = RecordedFacts(facts), RecordedAnswers(request.other_trails)
    unsigned = RecordedAnswers(request.unsigned)
    request = replace(request, other_trails=other_trails, unsigned=unsigned)
    keeping = ArchivingObjectStore(store, folder)
    validation = Validation(request, keeping, recorded, pools, on_progress, reads_unlisted=True)
    result = validation.run()
    keeping.finish()
    found = {(chain.chain.account, chain.chain.region): chain.periods for chain in result.chains}
    manifest = Manifest(
        trail=request.trail,
        period=request.period,
        made_at=request.now,
        account_regions=tuple(
            one for one in validation.scope.account_regions if (one.chain.account, one.chain.region) in found
        ),
        rings=recorded.rings,
        statuses=recorded.statuses,
        configuration=recorded.configuration(),
        at_best=found,
        foreign=result.foreign,
        unseen=result.unseen,
        other_trails=other_trails.known,
        unsigned=unsigned.known,
        unread=frozenset(keeping.unread),
    )
    return replace(result, source=f"{result.source}, exported to {folder}"), manifest


def _mark_folder(folder: Path) -> None:
    """Mark a new folder as an export's before anything else is written to it, for nobody else's files may be touched.

    :raises UsageError: it cannot be made, or it holds a finished bundle or what is not ours.
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
