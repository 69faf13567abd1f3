"""After every call, and after a kill of the process, the states with the journal are what the services hold."""

import contextvars
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ministack import app as ministack_app
from ministack.core import persistence, responses
from ministack.services import dynamodb, iam, kms, s3, sns, sqs

from lab.ministack import entries, state_journal
from lab.ministack.state_journal import StateJournal

SERVICES = {"dynamodb": dynamodb, "iam": iam, "kms": kms, "s3": s3, "sns": sns, "sqs": sqs}
ACCOUNT, REGION = "111122223333", "eu-west-1"


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateJournal]:
    """A journal of services that hold nothing."""
    monkeypatch.setattr(persistence, "STATE_DIR", str(tmp_path))
    monkeypatch.setattr(persistence, "PERSIST_STATE", True)
    monkeypatch.setattr(ministack_app, "load_state", persistence.load_state)
    made = StateJournal()
    made.install()
    made.begin()
    made.save("")  # what MiniStack makes by itself
    with responses.request_scope(ACCOUNT, REGION):
        yield made
    entries.end_call()
    entries._ended.clear()
    for module in SERVICES.values():
        for store in vars(module).values():
            if isinstance(store, responses.AccountScopedDict | responses.AccountRegionScopedDict):
                store._data = {}


def held() -> dict[str, Any]:
    """What the services hold now, as MiniStack would save it."""
    return {name: as_saved(module.get_state()) for name, module in SERVICES.items()}


def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a lab that is started now would read."""
    with monkeypatch.context() as patch:
        patch.setattr(ministack_app, "load_state", persistence.load_state)
        StateJournal().install()
        return {name: as_saved(ministack_app.load_state(name) or {}) for name in SERVICES}


def as_saved(state: dict[str, Any]) -> dict[str, Any]:
    """A state without the stores that hold nothing."""
    found = json.loads(json.dumps(state, default=persistence._json_default))
    return {name: value for name, value in found.items() if value and value.get("data", True)}


class Calls:
    """Calls at random, which change what the services hold in MiniStack's ways."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def name(self) -> str:
        return f"n{self._chance.randrange(4)}"

    def store(self) -> None:
        stores = (iam._users, iam._roles, sns._topics, s3._bucket_policies, kms._aliases, s3._object_tags)
        store: Any = self._chance.choice(stores)
        key: Any = ("b", self.name(), None) if store is s3._object_tags else self.name()
        if key in store and self._chance.random() < 0.3:
            del store[key]
        elif key in store and isinstance(store[key], dict):
            store[key]["Tags"] = [self.name()]
        else:
            store[key] = {"Path": "/", "Raw": b"\0\xff"}

    def count(self) -> None:
        counts = iam._aws_managed_attachment_counts
        counts[self.name()] = counts.get(self.name(), 0) + 1

    def walk(self) -> None:
        for user in iam._users.values():
            user["Seen"] = self.name()

    def bucket(self) -> None:
        bucket = s3._buckets.setdefault(self.name(), {"objects": {}})
        bucket["objects"][self.name()] = {"body": b"x"}
        if self._chance.random() < 0.5:
            bucket["region"] = self.name()

    def upload(self) -> None:
        upload = s3._multipart_uploads.setdefault(self.name(), {"bucket": "b", "parts": {}})
        upload["parts"][self._chance.randrange(3)] = {"body": self.name().encode()}
        if self._chance.random() < 0.2:
            s3._multipart_uploads.pop(self.name(), None)

    def queue(self) -> None:
        queue = sqs._queues.setdefault(self.name(), {"messages": [], "attributes": {}})
        messages = queue["messages"]
        match self._chance.randrange(5):
            case 0:
                queue["messages"] = [each for each in messages if self._chance.random() < 0.5]
            case 1:
                for each in messages:
                    each["receive_count"] += 1
            case 2 if self._chance.random() < 0.3:
                sqs._queues.pop(self.name(), None)
            case _:
                messages.append({"id": str(self._chance.random()), "receive_count": 0})

    def table(self) -> None:
        name, partition, key = self.name(), self.name(), self.name()
        if name not in dynamodb._tables:
            dynamodb._tables[name] = {"KeySchema": [], "items": dynamodb.defaultdict(dict), "TableSizeBytes": 0}
        table = dynamodb._tables[name]
        match self._chance.randrange(6):
            case 0:
                dynamodb._remove_item(table, partition, key)
            case 1 if table["items"].get(partition, {}).get(key):
                table["items"][partition][key]["v"] = {"S": self.name()}
            case 2 if self._chance.random() < 0.2:
                del dynamodb._tables[name]
            case 3 if self._chance.random() < 0.3:
                table["items"] = dynamodb.defaultdict(dict, {"p": {"s": {"v": {"S": self.name()}}}})
            case _:
                dynamodb._set_item(table, partition, key, {"v": {"S": self.name()}, "gone": {"L": []}})

    def one(self) -> None:
        self._chance.choice((self.store, self.count, self.walk, self.bucket, self.upload, self.queue, self.table))()


@pytest.mark.parametrize("seed", range(4))
def test_after_every_call_the_journal_holds_what_the_services_hold(
    journal: StateJournal, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    calls = Calls(random.Random(seed))  # noqa: S311
    monkeypatch.setattr(state_journal, "_SPARE_BYTES", 2_000)  # so that it begins anew often

    for number in range(60):
        entries.begin_call()
        for _ in range(calls._chance.randrange(1, 3)):
            calls.one()
        if number % 5 == 3:
            with monkeypatch.context() as patch, suppress(OSError):
                patch.setattr(persistence, "STATE_DIR", "/dev/null/full")
                journal.save("")  # the next time with everything
        elif number % 5 == 4:
            journal.save_everything()
        else:
            journal.save("")
        if number % 5 in (2, 4):
            assert kept(monkeypatch) == held()


def test_what_goes_on_for_a_call_that_has_ended_is_kept(journal: StateJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    may_change, is_looking = threading.Event(), threading.Event()

    def go_on() -> None:
        user = iam._users["u"]
        is_looking.set()
        may_change.wait()
        user["Path"] = "/changed/"

    def call() -> threading.Thread:
        entries.begin_call()
        iam._users["u"] = {"Path": "/"}
        going_on = threading.Thread(target=contextvars.copy_context().run, args=(go_on,))
        going_on.start()
        journal.save("iam.amazonaws.com")
        entries.end_call()
        return going_on

    going_on = contextvars.copy_context().run(call)
    is_looking.wait()
    journal.save_everything()
    for _ in range(3):
        journal.save("")
    may_change.set()
    going_on.join()
    journal.save("")

    assert kept(monkeypatch) == held()
    assert not entries._ended


def test_what_no_call_changes_a_moment_after_it_has_looked_is_kept(
    journal: StateJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam._users["u"] = {"Path": "/"}
    journal.save("")
    user = iam._users["u"]
    journal.save("iam.amazonaws.com")
    user["Path"] = "/changed/"
    journal.save("")

    assert kept(monkeypatch) == held()


def test_new_entries_are_kept_in_their_order(journal: StateJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [str(number) for number in range(20)]
    entries.begin_call()
    for name in names:
        iam._users.get(names[-1])
        iam._users[name] = {"Path": "/"}
    journal.save("iam.amazonaws.com")

    assert [key.split("\0")[1] for key in kept(monkeypatch)["iam"]["users"]["data"]] == [repr(each) for each in names]


def test_what_was_taken_as_saved_when_another_service_cannot_be_is_tried_again(
    journal: StateJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries.begin_call()
    iam._users["u"], sns._topics["t"] = {"Path": "/"}, {"arn": "t"}
    with monkeypatch.context() as patch:
        change = journal._change
        patch.setattr(
            journal,
            "_change",
            lambda service, *more: change(service, *more) if service.name == "iam" else 1 / 0,
        )
        with pytest.raises(ZeroDivisionError):
            journal.save("iam.amazonaws.com")
    journal.save_everything()

    assert kept(monkeypatch) == held()


@pytest.mark.parametrize("part", [{"p": {"s": 1}}, [{"id": "p"}]])
def test_a_start_copies_nothing_for_each_change(part: Any) -> None:
    store: Any = responses.AccountScopedDict()
    store._data["a", "k"] = {"part": part}
    change = {"state": {}, "gone": [], "fields": {"s": "part"}}
    changes = [
        {**change, "inside": [["s", repr(("a", "k")), "part", {"set": {f"{number}": {"id": f"{number}"}}, "gone": []}]]}
        for number in range(20_000)
    ]

    began = time.process_time()
    state = state_journal._all_applied({"s": store}, changes)

    assert state is not None
    assert type(state["s"]._data["a", "k"]["part"]) is type(part)
    assert len(state["s"]._data["a", "k"]["part"]) == 20_001
    assert time.process_time() - began < 2


def test_of_two_threads_the_later_change_is_kept(journal: StateJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    append, is_appending, waiting = state_journal._append, threading.Event(), [1]

    def late(*line: Any) -> None:
        is_appending.set()
        if waiting:
            time.sleep(waiting.pop() / 2)
        append(*line)

    def save(path: str) -> None:
        responses.set_request_account_id(ACCOUNT)
        entries.begin_call()
        iam._users["u"] = {"Path": path}
        journal.save("iam.amazonaws.com")

    monkeypatch.setattr(state_journal, "_append", late)
    first, second = (threading.Thread(target=save, args=(path,)) for path in ("/first/", "/second/"))
    first.start()
    is_appending.wait()
    second.start()
    first.join()
    second.join()

    assert kept(monkeypatch) == held()
