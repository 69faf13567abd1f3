"""Older versions of files that were altered or are gone, where the bucket keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from verify.aws import Aws
from verify.errors import CannotLook
from verify.integrity.result import Result
from verify.integrity.timeline.verdict import Problem, Verdict
from verify.storage.objects import ARCHIVED, ObjectName

# Asked only where something was altered or is gone.
PERMISSIONS = ("s3:ListBucketVersions",)
_LOOKED_FOR = 20


@dataclass(frozen=True, slots=True)
class OlderVersion:
    """What S3 still has of a file.

    :param written: when this version was written.
    :param marker: the delete marker without which it is the current one again; ``""`` if there is none.
    """

    name: ObjectName
    version: str
    written: datetime
    marker: str = ""


@dataclass(frozen=True, slots=True)
class Versions:
    """What S3 says of the older versions of some files.

    :param found: of each file the oldest that is not the current one.
    :param none: files of which there is none.
    :param why_not: why it is not known of the others, as a sentence; ``""`` if it is.
    """

    found: tuple[OlderVersion, ...] = ()
    none: tuple[ObjectName, ...] = ()
    why_not: str = ""


def lost_files(result: Result) -> list[ObjectName]:
    """Files of a bucket that are altered or missing, the first few of them."""
    return _files(result, lambda problem: problem.verdict in {Verdict.ALTERED, Verdict.MISSING})


def archived_files(result: Result) -> list[ObjectName]:
    """Files of a bucket that nobody can read as they are archived, the first few of them."""
    return _files(result, lambda problem: problem.verdict is Verdict.UNPROVEN and ARCHIVED in problem.reason)


def _files(result: Result, is_meant: Callable[[Problem], bool]) -> list[ObjectName]:
    problems = (problem for chain in result.chains for problem in chain.tally.problems if is_meant(problem))
    subjects = dict.fromkeys(problem.subject for problem in problems if problem.subject.startswith("s3://"))
    names = (ObjectName(*subject.removeprefix("s3://").partition("/")[::2]) for subject in subjects)
    return [name for name in names if name.key and not name.key.endswith("/")][:_LOOKED_FOR]


def older_versions(aws: Aws, names: Iterable[ObjectName]) -> Versions:
    """Ask S3 for the oldest version of each file that is not the current one: CloudTrail writes a file first.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/RestoringPreviousVersions.html
    """
    found: list[OlderVersion] = []
    none: list[ObjectName] = []
    for name in names:
        try:
            answer = aws.call("s3", "ListObjectVersions", Bucket=name.bucket, Prefix=name.key)
        except CannotLook as error:
            return Versions(tuple(found), tuple(none), str(error))
        older = _first(name, answer.get("Versions") or (), answer.get("DeleteMarkers") or ())
        if older is None:
            none.append(name)
        else:
            found.append(older)
    return Versions(tuple(found), tuple(none))


def _first(name: ObjectName, versions: Sequence[Any], markers: Sequence[Any]) -> OlderVersion | None:
    older = [each for each in versions if each["Key"] == name.key and not each["IsLatest"]]
    if not older:
        return None
    first = min(older, key=lambda each: each["LastModified"])
    hiding = [str(each["VersionId"]) for each in markers if each["Key"] == name.key and each["IsLatest"]]
    # What is below a delete marker comes back as it was when the marker goes; of several versions, the newest.
    marker = hiding[0] if hiding and len(older) == 1 else ""
    return OlderVersion(name, str(first["VersionId"]), first["LastModified"], marker)
