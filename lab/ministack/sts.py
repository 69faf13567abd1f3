"""Temporary credentials, which outlive the process: MiniStack keeps them in memory alone."""
# ruff: noqa: SLF001

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ministack.core import persistence
from ministack.services import sts

# How long after its end a session is known to be over: AWS reads that in the token itself.
_KEPT_AFTER_END_SECONDS = 24 * 60 * 60
# The access keys of the sessions that are new, or about which something is, since they were saved.
_unsaved: set[str] = set()


def keep_ended_sessions() -> None:
    """Keys of sessions that are over are refused as expired, not as unknown; MiniStack forgets them at once."""

    def evict() -> None:
        for key, session in list(sts._sessions.items()):
            if _is_forgotten(session):
                del sts._sessions[key]

    sts._evict_expired_sessions = evict


def mark_session(access_key_id: str, name: str, value: Any) -> None:
    """Keeps something about temporary credentials."""
    session = sts._sessions.get(access_key_id)
    if session is not None:
        session[name] = value
        _unsaved.add(access_key_id)


def resume_sessions() -> None:
    """The sessions that the process before this one saved go on, and new ones are noted, to be saved.

    :raises OSError: the file of sessions cannot be written anew, without those that are forgotten.
    """
    path = _file()
    sts._sessions.update(_read(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f"{path.name}.tmp")
    written.write_text(_lines(sts._sessions), encoding="utf-8")
    written.replace(path)
    register = sts.register_session

    def noting(access_key_id: str, session: dict[str, Any]) -> None:
        register(access_key_id, session)
        _unsaved.add(access_key_id)

    sts.register_session = noting


def save_sessions() -> bool:
    """Appends what is new of sessions to their file, so that many of them make no call slower.

    :returns: whether anything was.
    :raises OSError: it could not be written; the next time it is tried again.
    """
    if not _unsaved:
        return False
    keys = frozenset(_unsaved)
    with _file().open("a", encoding="utf-8") as file:
        file.write(f"\n{_lines(keys)}")  # what was written last may have been cut short
    _unsaved.difference_update(keys)
    return True


def _file() -> Path:
    return Path(persistence.STATE_DIR, "sessions")


def _lines(access_key_ids: Iterable[str]) -> str:
    found = {key: sts._sessions[key] for key in access_key_ids if key in sts._sessions}
    return "".join(f"{json.dumps([key, each], default=persistence._json_default)}\n" for key, each in found.items())


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """The sessions of a file, as they were written last. A line that a kill cut short is of no answered call."""
    found = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            key, session = json.loads(line, object_hook=persistence._json_object_hook)
            if not _is_forgotten(session):
                found[str(key)] = session
        except (ValueError, TypeError, KeyError):
            continue
    return found


def _is_forgotten(session: dict[str, Any]) -> bool:
    return bool(session["Expiration"] < time.time() - _KEPT_AFTER_END_SECONDS)
