"""Every hunt: what is to be found is in the log files, what is told gives nothing away, and all of it can be undone."""

import json
from collections.abc import Iterator

import pytest

from lab.instance import lifecycle
from lab.instance.folder import Lab
from lab.scenarios.answers import saved
from lab.scenarios.answers.facts import Kind, Tries
from lab.scenarios.reset import reset
from lab.scenarios.run import HUNTS, Size, scenario
from tests.lab.conftest import make_client
from tests.lab.scenarios.recorded import delivered, record_everything

BUCKET, TRAIL = "hunt-logs", "hunt-trail"
SMALL = Size(events=0, days=0, objects=5)


@pytest.fixture(scope="module")
def hunted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with a trail that logs everything."""
    lab = lifecycle.start(tmp_path_factory.mktemp("hunts"))
    record_everything(lab, TRAIL, BUCKET)
    yield lab
    lifecycle.stop(lab.home)


def there(lab: Lab) -> set[str]:
    """What there is of all that hunts make."""
    iam, s3, ec2 = (make_client(lab, service) for service in ("iam", "s3", "ec2"))
    found = {each["UserName"] for each in iam.list_users()["Users"]}
    found |= {each["RoleName"] for each in iam.list_roles()["Roles"]}
    found |= {each["Name"] for each in s3.list_buckets()["Buckets"]}
    found |= {each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]}
    found |= {each["SnapshotId"] for each in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]}
    found |= {each["FunctionName"] for each in make_client(lab, "lambda").list_functions()["Functions"]}
    found |= {each["Name"] for each in make_client(lab, "ssm").describe_parameters()["Parameters"]}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", HUNTS)
def test_what_is_to_be_found_is_recorded_of_one_address_and_of_no_other(name: str, seed: int, hunted: Lab) -> None:
    before = there(hunted)

    told = "\n".join(scenario(hunted, name, Size(events=SMALL.events, days=0, objects=5, seed=100 * seed)))

    played = saved.read(hunted)[name]
    facts = {fact.name: fact for fact in played.facts}
    assert not [fact for fact in played.facts if fact.kind not in (Kind.TIME, Kind.COUNT) and fact.value in told], told
    assert played.tries == {fact: Tries() for fact in facts}
    assert facts["address"].value in "\n".join(played.story)
    own = [each for each in delivered(hunted, BUCKET) if each["sourceIPAddress"] == facts["address"].value]
    assert own, "the trail has the calls from that address"
    refused = [each["eventName"] for each in own if "errorCode" in each]
    assert refused == (["ListUsers"] if name == "leaked-key" else [])
    text = json.dumps(own)
    # What tampering removes from the log files is found by the digests, or in the event history.
    by_digests = {"deleted-digest", "deleted-log", "altered-log", "hidden"}
    for fact in played.facts:
        assert fact.is_right(fact.value)
        if fact.kind in (Kind.NAME, Kind.ADDRESS) and fact.name not in by_digests:
            assert fact.value in text, fact
        if fact.kind is Kind.TIME and fact.name != "key-made":
            assert any(fact.is_right(each["eventTime"]) for each in own), fact

    list(reset(hunted, name))

    assert there(hunted) == before
