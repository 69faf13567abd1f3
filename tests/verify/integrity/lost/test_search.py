"""What was searched for whoever changed a file is said as it was: what nobody could read or ask is no "nobody"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.verify.simulation.api import Api, pools, since
from tests.verify.simulation.in_memory import MemoryStore
from tests.verify.simulation.scenarios import trail
from tests.verify.simulation.trail import BUCKET, HOME, TRAIL, Chain
from verify.integrity.check import check
from verify.integrity.lost.search import who_changed
from verify.integrity.result import FileChanges
from verify.integrity.sources import IntegrityOptions, from_bucket
from verify.storage.objects import ObjectName

ALICE = "arn:aws:iam::111122223333:user/alice"
NOT_SIGNED = f"of trail {TRAIL} that no digest vouches for yet"


@dataclass
class Searched(Api):
    """Stands for :class:`verify.aws.Aws`, with the two calls that only the search makes."""

    def _HeadBucket(self, _region: str, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"BucketRegion": HOME}

    def _GetBucketLogging(self, _region: str, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {}


def searched(chain: Chain) -> FileChanges:
    """Who changed the files of a trail, as far as logs tell."""
    aws, now = Searched(chain.aws), chain.at + timedelta(minutes=30)
    ready = from_bucket(IntegrityOptions(start=since(chain)), aws, MemoryStore(chain.aws), now)  # type: ignore[arg-type]
    return who_changed(ready, check(ready, pools(), lambda *_done: None), {}, pools())


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
    assert found.looked_at == (
        f"7 signed log files of trail {TRAIL} were searched",
        f"1 log file {NOT_SIGNED} was searched",
        f"s3://{BUCKET} has no access logs",
    )


def test_a_log_file_that_nobody_can_read_is_not_searched() -> None:
    chain, _, told = deleted()
    chain.aws.denied.add(str(told))

    found = searched(chain)

    assert found.found == {}
    assert f"1 log file {NOT_SIGNED} was searched, of which 1 could not be read to the end" in found.looked_at


def test_that_nobody_may_ask_what_a_trail_records_is_not_that_it_records_nothing() -> None:
    chain, _, _ = deleted()
    chain.aws.denied.add("GetEventSelectors")

    found = searched(chain)

    assert found.looked_at[0] == (
        f"whether trail {TRAIL} records data events of s3://{BUCKET} is not known: "
        "cloudtrail:GetEventSelectors is denied: not you"
    )
    assert not any("no trail" in said for said in found.looked_at)
