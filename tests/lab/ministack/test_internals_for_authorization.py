"""The internals of MiniStack that the authorization of callers relies on."""

import inspect
import json
import time
from pathlib import Path
from typing import Any

import pytest
from ministack.core import iam_evaluator, persistence, responses
from ministack.services import iam, kms, organizations, s3, secretsmanager, sns, sqs, ssm, sts, tagging

from lab.ministack import identities
from lab.ministack.iam import secret_of_access_key
from lab.ministack.sts import (
    has_new_sessions,
    keep_ended_sessions,
    mark_session,
    resume_sessions,
    save_sessions,
)

ACCOUNT, REGION = "111122223333", "us-east-1"


@pytest.mark.parametrize(
    "store",
    [
        iam._access_keys,
        iam._group_inline_policies,
        iam._instance_profiles,
        iam._policies,
        iam._roles,
        iam._user_inline_policies,
        iam._users,
        organizations._orgs,
        s3._bucket_encryption,
        s3._bucket_object_lock,
        s3._multipart_uploads,
        s3._object_legal_hold,
        s3._object_retention,
        s3._object_tags,
        s3._object_versions,
    ],
)
def test_stores_are_scoped(store: Any) -> None:
    assert callable(store.get_scoped)


def test_groups_of_all_accounts_can_be_looked_through() -> None:
    assert list(iam._groups._data.items()) == []


@pytest.mark.parametrize("member", ["Arn", "UserId", "AttachedPolicies", "PermissionsBoundary", "Tags"])
def test_a_user_has_the_members_that_are_read(member: str) -> None:
    assert f'"{member}"' in inspect.getsource(iam._create_user)


@pytest.mark.parametrize(
    "member", ["Arn", "InlinePolicies", "AttachedPolicies", "PermissionsBoundary", "AssumeRolePolicyDocument"]
)
def test_a_role_has_the_members_that_are_read(member: str) -> None:
    assert f'"{member}"' in inspect.getsource(iam._create_role)


@pytest.mark.parametrize(
    "member", ["Arn", "AccountId", "PrincipalType", "PrincipalName", "UserId", "SessionPolicies", "SessionTags"]
)
def test_a_session_has_the_members_that_are_read(member: str) -> None:
    assert f'"{member}"' in inspect.getsource(sts.handle_request)


@pytest.mark.parametrize("member", ["KeyId", "GranteePrincipal", "RetiringPrincipal", "Operations", "Constraints"])
def test_a_grant_has_the_members_that_are_read(member: str) -> None:
    assert f'"{member}"' in inspect.getsource(kms._create_grant)
    assert kms._grants.all_items() == []


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (iam_evaluator._resolve_managed_policy_document, ["policy_arn", "account_id"]),
        (iam_evaluator._resource_policy, ["service", "resource_arn"]),
        (responses.request_scope, ["account_id", "region"]),
        (s3._bucket_default_sse_headers, ["bucket_name"]),
        (s3._bucket_owner_account, ["name"]),
        (s3._in_account, ["account_id"]),
        (s3._object_record_from_version, ["v"]),
        (secretsmanager._filter_secret_names, ["names", "filters"]),
        (secretsmanager._resolve, ["secret_id", "use_arn_scope"]),
        (sns._topic_by_arn_any_scope, ["topic_arn"]),
        (sqs._queue_by_arn, ["arn"]),
        (sts._evict_expired_sessions, []),
        (sts._web_identity_principal, ["token", "provider_id", "role_arn"]),
        (tagging.resource_tags, ["arn"]),
    ],
)
def test_functions_take_what_they_are_given(function: Any, parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters


@pytest.mark.parametrize("service", ["ecr", "kinesis", "lambda", "secretsmanager", "sns", "sqs"])
def test_services_with_policies_are_looked_up(service: str) -> None:
    with responses.request_scope(ACCOUNT, REGION):
        assert iam_evaluator._resource_policy(service, f"arn:aws:{service}:{REGION}:{ACCOUNT}:none") is None


def test_a_new_session_forgets_those_that_are_over() -> None:
    assert "_evict_expired_sessions()" in inspect.getsource(sts.register_session)


def test_a_parameter_names_its_key() -> None:
    assert '"KeyId": key_id' in inspect.getsource(ssm)


def test_parameters_are_found_below_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssm, "_parameters", dict.fromkeys(["/a", "/a/b", "/a/b/c", "/ab", "d"]))
    below = identities.Resources().parameters_below

    assert below("/a", is_recursive=False) == below("/a/", is_recursive=False) == ["/a/b"]
    assert below("/a", is_recursive=True) == ["/a/b", "/a/b/c"]
    assert below("/", is_recursive=False) == ["/a", "/ab"]


def test_a_session_that_is_over_is_known_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    hour = 60 * 60
    session = {"SecretAccessKey": "s", "SessionToken": "t", "AccountId": ACCOUNT, "PrincipalType": "Root"}
    session |= {"PrincipalName": "", "UserId": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"}
    ended = {"ASIAHOUR": time.time() - hour, "ASIADAYS": time.time() - 25 * hour}
    monkeypatch.setattr(sts, "_sessions", {key: {**session, "Expiration": at} for key, at in ended.items()})
    monkeypatch.setattr(sts, "_evict_expired_sessions", sts._evict_expired_sessions)

    keep_ended_sessions()
    sts._evict_expired_sessions()

    assert secret_of_access_key("ASIAHOUR") == ("s", "t", ended["ASIAHOUR"])  # its signature is refused as expired
    assert secret_of_access_key("ASIADAYS") is None


@pytest.fixture
def file_of_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where sessions are saved, of which there are none yet."""
    monkeypatch.setattr(persistence, "STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(sts, "register_session", sts.register_session)
    monkeypatch.setattr(sts, "_evict_expired_sessions", lambda: None)
    monkeypatch.setattr(sts, "_sessions", {})
    resume_sessions()
    return tmp_path / "state" / "sessions"


def test_sessions_outlive_the_process_but_not_the_day_after_their_end(
    file_of_sessions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for name, ends in [("ASIA1", now + 9), ("ASIA2", now - 9), ("ASIA3", now - 25 * 60 * 60)]:
        sts.register_session(name, {"Expiration": ends, "Tags": [{"Key": "k", "Value": "v"}]})
    assert has_new_sessions()
    save_sessions()
    assert not has_new_sessions()
    mark_session("ASIA1", "Mark", "m")
    assert has_new_sessions()
    save_sessions()
    with file_of_sessions.open("a") as file:
        file.write('["ASIA4", {"Expir')  # cut short by a kill
    sts.register_session("ASIA5", {"Expiration": now})
    save_sessions()
    expected = {name: dict(sts._sessions[name]) for name in ("ASIA1", "ASIA2", "ASIA5")}
    monkeypatch.setattr(sts, "_sessions", {})

    for _ in range(2):
        sts._sessions.clear()
        resume_sessions()
        assert sts._sessions == expected
    assert expected["ASIA1"]["Mark"] == "m"


def test_the_file_of_sessions_does_not_keep_those_that_are_forgotten(
    file_of_sessions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(key: str, ends: float) -> None:
        sts.register_session(key, {"Expiration": ends, "Tags": "x" * 50_000})
        save_sessions()

    now = time.time()
    keep_ended_sessions()
    save("ASIALIVE", now + 9)
    for at in range(60):
        save(f"ASIA{at}", now - 25 * 60 * 60)

    assert file_of_sessions.stat().st_size < 1.2 * 2**20
    assert "ASIALIVE" in file_of_sessions.read_text()
    for at in range(60):
        save(f"ASIALIVE{at}", now + 9)
    size_bytes = file_of_sessions.stat().st_size
    monkeypatch.setattr(Path, "replace", lambda *_: pytest.fail("what is live is only appended to"))
    save("ASIALAST", now + 9)
    assert size_bytes < file_of_sessions.stat().st_size < size_bytes + 2**16


def test_sessions_that_could_not_be_written_are_new_once(file_of_sessions: Path) -> None:
    file_of_sessions.unlink()
    file_of_sessions.mkdir()
    for key in ("ASIA1", "ASIA2"):
        sts.register_session(key, {"Expiration": time.time() + 9})
        assert has_new_sessions()
        with pytest.raises(IsADirectoryError):
            save_sessions()
        assert not has_new_sessions()
    file_of_sessions.rmdir()
    save_sessions()

    assert [json.loads(line)[0] for line in file_of_sessions.read_text().splitlines() if line] == ["ASIA1", "ASIA2"]


def test_sessions_are_saved_also_where_their_file_cannot_be_written_anew(file_of_sessions: Path) -> None:
    (file_of_sessions.parent / "sessions.tmp").mkdir()
    for _ in range(3):
        sts.register_session("ASIA", {"Expiration": time.time() + 9, "Tags": "x" * 2**20})
        save_sessions()

    assert file_of_sessions.stat().st_size > 3 * 2**20
