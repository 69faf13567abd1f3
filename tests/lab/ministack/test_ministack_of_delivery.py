"""The internals of MiniStack that delivery, refusal and the kept state rely on."""

import inspect
import os
from typing import Any

import pytest
from ministack import app as ministack_app
from ministack.core import iam_evaluator, persistence
from ministack.services import cloudtrail, kms, s3, sns


@pytest.mark.parametrize(
    "store",
    [
        cloudtrail._event_selectors,
        cloudtrail._trails,
        kms._aliases,
        kms._keys,
        s3._bucket_encryption,
        s3._bucket_policies,
        s3._bucket_request_payment_config,
        s3._buckets,
    ],
)
def test_stores_are_scoped(store: Any) -> None:
    assert callable(store.get_scoped)


def test_trails_of_all_accounts_can_be_listed() -> None:
    assert cloudtrail._trails.all_items() == []


@pytest.mark.parametrize("operation", ["GetTrailStatus", "StartLogging", "StopLogging", "DeleteTrail", "UpdateTrail"])
def test_the_operations_that_are_wrapped_are_there(operation: str) -> None:
    assert list(inspect.signature(cloudtrail._DISPATCH[operation]).parameters) == ["body"]


@pytest.mark.parametrize(
    "member",
    [
        "HomeRegion",
        "IncludeGlobalServiceEvents",
        "IsLogging",
        "IsMultiRegionTrail",
        "LogFileValidationEnabled",
        "S3BucketName",
        "TrailARN",
    ],
)
def test_a_trail_is_kept_with_the_members_that_delivery_reads(member: str) -> None:
    assert f'"{member}"' in inspect.getsource(cloudtrail._create_trail)


@pytest.mark.parametrize("moment", ["_StartedAt", "_StoppedAt"])
def test_the_moments_of_logging_are_kept_where_the_status_reads_them(moment: str) -> None:
    assert f'trail.get("{moment}")' in inspect.getsource(cloudtrail._get_trail_status)


@pytest.mark.parametrize("member", ["Arn", "KeyState", "KeySpec", "Policy"])
def test_a_key_is_kept_with_the_members_that_refusal_reads(member: str) -> None:
    assert f'"{member}"' in inspect.getsource(kms._create_key)


def test_buckets_and_topics_are_found_in_any_account() -> None:
    assert s3._bucket_owner_account("no-such-bucket") is None
    assert sns.topic_policy_for_arn("arn:aws:sns:us-east-1:111122223333:none") is None


def test_state_is_saved_service_by_service_at_once_or_not_at_all() -> None:
    assert list(inspect.signature(persistence.save_all).parameters) == ["services"]
    assert callable(ministack_app._build_persistence_save_dict)
    assert "os.replace(tmp, path)" in inspect.getsource(persistence.save_state)


def test_an_object_is_written_to_the_disk_before_its_caller_has_the_answer() -> None:
    source = inspect.getsource(s3._put_object)

    assert source.index("_persist_object(") < source.index("return 200, resp_headers")
    assert "os.replace(tmp, fpath)" in inspect.getsource(s3._atomic_write)


def test_a_session_tells_when_it_was_issued() -> None:
    assert "session" in inspect.getsource(iam_evaluator.resolve_caller_identity)
    assert "AUTH" not in os.environ
