"""What was searched for whoever changed a file is said as it was: what nobody could read or ask is no "nobody"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.verify.simulation.api import Api, pools, since
from tests.verify.simulation.in_memory import MemoryStore
from tests.verify.simulation.scenarios import MEMBER, trail
from tests.verify.simulation.trail import BUCKET, HOME, TRAIL, Chain
from verify.errors import AccessDenied
from verify.integrity.check import check
from verify.integrity.lost import search
from verify.integrity.lost.search import who_changed
from verify.integrity.result import FileChanges
from verify.integrity.sources import IntegrityOptions, from_bucket
from verify.storage.layout import LogName
from verify.storage.objects import ListedObject, ObjectName
from verify.times import iso

ALICE = "arn:aws:iam::111122223333:user/alice"
NOT_SIGNED = f"of trail {TRAIL} that no digest vouches for yet"


@dataclass
class Searched(Api):
    """Stands for :class:`verify.aws.Aws`, with the two calls that only the search makes.

    :param logging: GetBucketLogging's answer.
    """

    logging: dict[str, Any] = field(default_factory=dict)

    def _HeadBucket(self, _region: str, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"BucketRegion": HOME}

    def _GetBucketLogging(self, _region: str, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self.logging


def searched(
    chain: Chain,
    logging: dict[str, Any] | None = None,
    store: MemoryStore | None = None,
    changed: Mapping[ObjectName, datetime] | None = None,
) -> FileChanges:
    """Who changed the files of a trail, as far as logs tell."""
    aws, now = Searched(chain.aws, logging=logging or {}), chain.at + timedelta(minutes=30)
    options, store = IntegrityOptions(start=since(chain)), store or MemoryStore(chain.aws)
    ready = from_bucket(options, aws, store, now)  # type: ignore[arg-type]
    return who_changed(ready, check(ready, pools(), lambda *_done: None), changed or {}, pools())


def deletion(chain: Chain, gone: ObjectName) -> dict[str, Any]:
    return {
        "eventTime": f"{chain.at:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "s3.amazonaws.com",
        "eventName": "DeleteObject",
        "userIdentity": {"arn": ALICE},
        "requestParameters": {"bucketName": BUCKET, "key": gone.key},
    }


def deleted(**fields: Any) -> tuple[Chain, ObjectName, ObjectName]:
    """A trail that records data events, a log file of it that is gone, and the one, not signed yet, that tells of it.

    :param fields: of the data events that it records.
    """
    chain = trail(4)
    chosen = {"eventCategory": "Data", "resources.type": "AWS::S3::Object"} | fields
    selector = [{"Field": field, "Equals": [value]} for field, value in chosen.items()]
    management = [{"Field": "eventCategory", "Equals": ["Management"]}]
    chain.aws.selectors = {"AdvancedEventSelectors": [{"FieldSelectors": each} for each in (management, selector)]}
    gone = chain.hours[1].logs[0]
    chain.aws.delete(gone)
    told, _ = chain.log(chain.at + timedelta(minutes=5), deletion(chain, gone))
    return chain, gone, told


@pytest.mark.parametrize("fields", [{}, {"eventName": "DeleteObject"}])
def test_a_log_file_that_is_not_signed_yet_tells_who_deleted_a_file(fields: dict[str, Any]) -> None:
    chain, gone, _ = deleted(**fields)

    found = searched(chain)

    ((change,),) = (found.found[str(gone)],)
    assert (change.caller, change.source, change.is_signed) == (ALICE, f"log files {NOT_SIGNED}", False)
    named = LogName.parse(gone)
    assert named
    period = f"{iso(named.delivered - timedelta(minutes=15))} to {iso(chain.at + timedelta(minutes=30))}"
    assert found.looked_at == (
        f"7 signed log files of trail {TRAIL} were searched ({period})",
        f"1 log file {NOT_SIGNED} was searched ({period})",
        f"s3://{BUCKET} has no access logs",
    )


def test_a_log_file_that_nobody_can_read_is_not_searched() -> None:
    chain, _, told = deleted()
    chain.aws.denied.add(str(told))

    found = searched(chain)

    assert found.found == {}
    (said,) = (each for each in found.looked_at if each.startswith(f"1 log file {NOT_SIGNED} was searched ("))
    assert said.endswith("), of which 1 could not be read to the end")


def test_that_nobody_may_ask_what_a_trail_records_is_not_that_it_records_nothing() -> None:
    chain, _, _ = deleted()
    chain.aws.denied.add("GetEventSelectors")

    found = searched(chain)

    assert found.looked_at[0] == (
        f"whether trail {TRAIL} records data events of s3://{BUCKET} is not known: "
        "cloudtrail:GetEventSelectors is denied: not you"
    )
    assert not any("no trail" in said for said in found.looked_at)


def test_access_logs_that_are_parted_by_account_lie_below_the_account_of_the_bucket() -> None:
    """As a rule that of whoever may ask for them, and of an organization's trail often not the trail's."""
    chain, _, _ = deleted()
    chain.aws.caller = MEMBER
    place = {"TargetBucket": "logs", "TargetPrefix": "p/", "TargetObjectKeyFormat": {"PartitionedPrefix": {}}}
    day = f"p/{MEMBER}/{HOME}/{BUCKET}/{chain.at:%Y/%m/%d}/"
    chain.aws.put(ObjectName("logs", f"{day}2026-11-01-00-00-00-1D4E5F"), b"", chain.at)

    looked_at = searched(chain, {"LoggingEnabled": place}).looked_at
    assert any(said.startswith("1 access log of the bucket was searched (") for said in looked_at)


def test_that_access_logs_may_not_be_listed_is_told_with_their_bucket() -> None:
    chain, _, _ = deleted()

    class Refusing(MemoryStore):
        def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
            if bucket == "logs":
                raise AccessDenied("s3:ListBucket", "not you")
            return super().objects(bucket, prefix)

    found = searched(chain, {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}}, Refusing(chain.aws))
    assert found.looked_at[-1] == "the access logs in s3://logs could not be listed: s3:ListBucket is denied: not you"


def test_a_file_of_unknown_time_does_not_keep_others_from_being_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Since its delivery there may be too much to search."""
    chain, gone, _ = deleted()
    chain.aws.delete(chain.hours[0].logs[0])
    monkeypatch.setattr(search, "_MOST_DAYS", timedelta(hours=2))

    found = searched(chain, changed={gone: chain.at + timedelta(minutes=5)})

    assert [change.caller for change in found.found[str(gone)]] == [ALICE]
    assert any(said.startswith("what happened after 2026-11-01T01:") for said in found.looked_at)
