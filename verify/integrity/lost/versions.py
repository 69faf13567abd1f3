"""Older versions of files that were altered or are gone, where the bucket keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from verify.aws import Aws
from verify.errors import CannotLook
from verify.integrity.result import Result
from verify.integrity.timeline.verdict import BAD, Problem, Verdict
from verify.storage.objects import ARCHIVED, S3, ObjectName

# Asked only where something was altered or is gone; the second one by :mod:`verify.integrity.lost.search`.
PERMISSIONS = ("s3:ListBucketVersions", "s3:GetBucketLogging")
_LOOKED_FOR = 20
_MAX_PAGES = 20  # of a thousand versions each: whoever may delete a file may do so again and again


class OlderVersion(Struct, frozen=True):
    """What S3 still has of a file.

    :param written: when this version was written.
    :param marker: the delete marker without which it is the current one again; ``""`` if there is none.
    """

    name: ObjectName
    version: str
    written: datetime
    marker: str = ""


class Versions(Struct, frozen=True):
    """What S3 says of the older versions of some files.

    :param found: of each file the oldest that is not the current one.
    :param none: files of which there is none.
    :param why_not: why it is not known of the others; ``""`` if it is.
    :param changed: when a file was deleted, or what is there now was written; without those of which S3 keeps no time.
    """

    found: tuple[OlderVersion, ...] = ()
    none: tuple[ObjectName, ...] = ()
    why_not: str = ""
    changed: Mapping[ObjectName, datetime] = field(default_factory=dict)


def changed_files(result: Result) -> dict[ObjectName, Verdict]:
    """Files of a bucket that are altered, missing or foreign, each with its verdict."""
    problems = [problem for chain in result.chains for problem in chain.tally.problems]
    bad = (problem for problem in (*problems, *result.foreign) if problem.verdict in BAD)
    named = ((_name(problem.subject), problem.verdict) for problem in bad)
    return {name: verdict for name, verdict in named if name is not None}


def lost_files(result: Result) -> list[ObjectName]:
    """Files of a bucket that are altered or missing, the first few of them."""
    return _files(result, lambda problem: problem.verdict in {Verdict.ALTERED, Verdict.MISSING})


def archived_files(result: Result) -> list[ObjectName]:
    """Files of a bucket that nobody can read as they are archived, the first few of them."""
    return _files(result, lambda problem: problem.verdict is Verdict.UNPROVEN and ARCHIVED in problem.reason)


def _files(result: Result, is_meant: Callable[[Problem], bool]) -> list[ObjectName]:
    problems = (problem for chain in result.chains for problem in chain.tally.problems if is_meant(problem))
    names = dict.fromkeys(_name(problem.subject) for problem in problems)
    return [name for name in names if name is not None][:_LOOKED_FOR]


def _name(subject: str) -> ObjectName | None:
    """The file that a problem is about; ``None`` for a folder, and for what is in no bucket."""
    if not subject.startswith(S3):
        return None
    name = ObjectName(*subject.removeprefix(S3).partition("/")[::2])
    return name if name.key and not name.key.endswith("/") else None


def older_versions(aws: Aws, names: Iterable[ObjectName]) -> Versions:
    """Ask S3 for the oldest version of each file that is not the current one: CloudTrail writes a file first.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/RestoringPreviousVersions.html
    """
    found: list[OlderVersion] = []
    none: list[ObjectName] = []
    changed: dict[ObjectName, datetime] = {}

    def so_far(why_not: str = "") -> Versions:
        return Versions(tuple(found), tuple(none), why_not, changed)

    for name in names:
        try:
            versions, markers = _all_of(aws, name)
            older = _first(name, versions, markers)
            if current := [each for each in (*versions, *markers) if each["IsLatest"]]:
                changed[name] = current[0]["LastModified"]
        except CannotLook as error:
            return so_far(str(error))
        except (LookupError, TypeError) as error:
            return so_far(f"s3:ListBucketVersions gave an answer that is not AWS's ({type(error).__name__}: {error})")
        if older is None:
            none.append(name)
        else:
            found.append(older)
    return so_far()


def _first(name: ObjectName, versions: list[Any], markers: list[Any]) -> OlderVersion | None:
    older = [each for each in versions if not each["IsLatest"]]
    if not older:
        return None
    first = min(older, key=lambda each: each["LastModified"])
    hiding = [str(each["VersionId"]) for each in markers if each["IsLatest"]]
    # What is below a delete marker comes back as it was when the marker goes; of several versions, the newest.
    marker = hiding[0] if hiding and len(older) == 1 else ""
    return OlderVersion(name, str(first["VersionId"]), first["LastModified"], marker)


def _all_of(aws: Aws, name: ObjectName) -> tuple[list[Any], list[Any]]:
    """The versions and the delete markers of a file.

    :raises CannotLook: nobody may ask, or there are too many: what was not read may be the oldest.
    """
    versions: list[Any] = []
    markers: list[Any] = []
    for number, page in enumerate(aws.pages("s3", "ListObjectVersions", Bucket=name.bucket, Prefix=name.key)):
        if number == _MAX_PAGES:
            raise CannotLook(f"{name} has more versions than the {_MAX_PAGES} pages that were read")
        for kept, member in ((versions, "Versions"), (markers, "DeleteMarkers")):
            kept += [each for each in page.get(member) or () if each["Key"] == name.key]
        # A file's own versions come before those of files whose names begin as its does.
        if any(each["Key"] != name.key for member in ("Versions", "DeleteMarkers") for each in page.get(member) or ()):
            break
    return versions, markers
