"""Temporary credentials: they outlive the process, and hand on to each other what they must in a chain of roles.

MiniStack keeps them in memory alone, and each without what the one before it had.
"""
# ruff: noqa: SLF001

import contextlib
import json
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from ministack import app as ministack_app
from ministack.core import persistence
from ministack.services import sts

from lab.ministack import core
from lab.protocol.answer import Answer

# How long after its end a session is known to be over: AWS reads that in the token itself.
_KEPT_AFTER_END_SECONDS = 24 * 60 * 60
# The access keys of the sessions that are new, or about which something is, since they were to be saved last, and of
# those that could not be.
_new: set[str] = set()
_left: set[str] = set()
# The file of sessions is written anew when it is longer than twice those that are known, and this.
_SPARE_BYTES = 2**20
# How long the line of each session is, by its access key.
_bytes_of_line: dict[str, int] = {}


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
        _new.add(access_key_id)


@dataclass(frozen=True, slots=True)
class Handed:
    """What a session hands on to the one of a role that it assumes: who began, and the tags that are transitive.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html

    :param tags: by their keys, as those are written.
    """

    source_identity: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chained:
    """What the session of a role has that a call of AssumeRole makes: `inherited` of the session that makes the call,
    and what the call itself names, tags by their keys in lower case.
    """

    inherited: Handed
    source_identity: str = ""
    transitive_keys: frozenset[str] = frozenset()


# Set while a call of STS is served.
chained: ContextVar[Chained] = ContextVar("chained", default=Chained(Handed()))  # noqa: B039 - nobody can change it


def handed_on_by(access_key_id: str) -> Handed:
    """What the session of a key hands on; nothing for a key that is of none."""
    session = sts._sessions.get(access_key_id) or {}
    return Handed(str(session.get("SourceIdentity") or ""), dict(session.get("TransitiveTags") or {}))


def chain_sessions() -> None:
    """A role's session has what was handed on to it, and the answer names its source identity."""
    register, handle = sts.register_session, ministack_app.SERVICE_HANDLERS["sts"]

    def chaining(access_key_id: str, session: dict[str, Any]) -> None:
        made = chained.get()
        inherited = [{"Key": key, "Value": value} for key, value in made.inherited.tags.items()]
        tags = [*inherited, *(session.get("SessionTags") or [])]
        kept = {key.lower() for key in made.inherited.tags} | made.transitive_keys
        transitive = {each["Key"]: each["Value"] for each in tags if each["Key"].lower() in kept}
        identity = made.source_identity or made.inherited.source_identity
        more = {"SessionTags": tags, "TransitiveTags": transitive, "SourceIdentity": identity}
        register(access_key_id, {**session, **{name: value for name, value in more.items() if value}})

    async def named(*request: Any) -> Answer:
        status, headers, body = await handle(*request)
        made = chained.get()
        chained.set(Chained(Handed()))  # it is not of what comes of this call
        identity = made.source_identity or made.inherited.source_identity
        end = b"</AssumeRoleResult>"
        if status == 200 and identity:
            body = body.replace(end, f"<SourceIdentity>{escape(identity)}</SourceIdentity>".encode() + end)
        return status, headers, body

    sts.register_session = chaining
    ministack_app.SERVICE_HANDLERS["sts"] = named


def resume_sessions() -> None:
    """The sessions that the process before this one saved go on, and new ones are noted, to be saved.

    :raises OSError: the file of sessions cannot be written anew, without those that are forgotten.
    """
    sts._sessions.update(_read(_file()))
    _write_anew()
    register = sts.register_session

    def noting(access_key_id: str, session: dict[str, Any]) -> None:
        register(access_key_id, session)
        _new.add(access_key_id)

    sts.register_session = noting


def has_new_sessions() -> bool:
    """Whether there is something about sessions that it has not been tried to save."""
    return bool(_new)


def save_sessions() -> None:
    """Appends what is new of sessions to their file, so that many of them make no call slower. It is written anew when
    most of it is of sessions that are forgotten, or was written again.

    :raises OSError: it could not be written; the next time it is tried again.
    """
    tried = frozenset(_new)
    _left.update(tried)
    _new.difference_update(tried)
    if not _left:
        return
    keys = sorted(_left)
    with _file().open("a", encoding="utf-8") as file:
        file.write(f"\n{_lines(keys)}")  # what was written last may have been cut short
    _left.difference_update(keys)
    if _is_mostly_forgotten(_file().stat().st_size):
        with contextlib.suppress(OSError):  # all that there is to save is in the file as it is
            _write_anew()


def _file() -> Path:
    return Path(persistence.STATE_DIR, "sessions")


def _write_anew() -> None:
    """:raises OSError: the file of sessions cannot be written; it is as it was."""
    core.write_whole(_file(), _lines(sts._sessions))
    for key in _bytes_of_line.keys() - sts._sessions.keys():
        del _bytes_of_line[key]


def _is_mostly_forgotten(size_bytes: int) -> bool:
    if size_bytes <= _SPARE_BYTES:
        return False
    return size_bytes > _SPARE_BYTES + 2 * sum(_bytes_of_line.get(key, 0) for key in sts._sessions)


def _lines(access_key_ids: Iterable[str]) -> str:
    lines = {
        key: f"{json.dumps([key, sts._sessions[key]], default=persistence._json_default)}\n"
        for key in access_key_ids
        if key in sts._sessions
    }
    _bytes_of_line.update({key: len(each) for key, each in lines.items()})  # ASCII
    return "".join(lines.values())


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
