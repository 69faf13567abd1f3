"""Whose key it is: found by a shorter way than MiniStack's own, with the same answer."""

from collections.abc import Iterator

import pytest
from ministack.core import iam_evaluator, responses
from ministack.services import iam

from lab.ministack.iam import identity_of_access_key

KEY = "AKIATESTOFCALLERS001"


@pytest.fixture
def users_key() -> Iterator[str]:
    account = responses.get_account_id()
    arn = f"arn:aws:iam::{account}:user/staff/ann"
    iam._users.set_scoped(account, None, "ann", {"UserName": "ann", "Arn": arn, "UserId": "AIDA1"})
    iam._access_keys.set_scoped(account, None, KEY, {"UserName": "ann", "AccessKeyId": KEY})
    yield KEY
    iam._users.pop_scoped(account, None, "ann", None)
    iam._access_keys.pop_scoped(account, None, KEY, None)


def test_a_users_key_belongs_to_whom_ministack_says(users_key: str) -> None:
    theirs = iam_evaluator.resolve_caller_identity(users_key)

    ours = identity_of_access_key(users_key)

    assert theirs is not None
    assert ours == {name: theirs[name] for name in ("userArn", "userId", "session")}
    assert ours["userId"] == "AIDA1"


def test_a_deleted_key_belongs_to_no_user(users_key: str) -> None:
    iam._access_keys.pop_scoped(responses.get_account_id(), None, users_key)

    assert identity_of_access_key(users_key) is None


def test_the_number_of_an_account_is_its_roots_key() -> None:
    found = identity_of_access_key("123456789012")

    assert found is not None
    assert found["userArn"].endswith(":root")
