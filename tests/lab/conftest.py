"""One lab for all tests of a session, and clients that talk to it."""

import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lab.instance import lifecycle
from lab.instance.folder import Lab

# Tests that import MiniStack import it with its own defaults: Cognito's key would lie in /tmp for everybody to read. It
# reads the variable when it is imported; a lab has its own.
_state_of_ministack = tempfile.TemporaryDirectory(prefix="ministack-of-tests-")
os.environ["STATE_DIR"] = _state_of_ministack.name

ClientFactory = Callable[..., Any]

# One for all clients: every session reads the service models anew.
SESSION: Any = boto3.Session()


def root_keys(lab: Lab, account: str) -> dict[str, str]:
    """What makes `make_client` the root of an account."""
    return {"aws_access_key_id": account, "aws_secret_access_key": lab.root_secret(account)}


# The lab of this worker, once a test has asked for it.
SHARED: list[Lab] = []


def make_client(lab: Lab, service: str, **overrides: Any) -> Any:
    settings = {
        "region_name": lab.region,
        "aws_access_key_id": lab.access_key_id,
        "aws_secret_access_key": lab.secret_access_key,
        "config": Config(proxies={}, retries={"total_max_attempts": 1}, parameter_validation=True),
    }
    return SESSION.client(service, endpoint_url=lab.endpoint, **settings | overrides)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    started = lifecycle.start(home)
    SHARED.append(started)
    yield started
    SHARED.remove(started)
    lifecycle.stop(home)


@pytest.fixture(scope="module", autouse=True)
def no_trails_for_the_next_file() -> Iterator[None]:
    """The files of a worker share a lab, in any order, and an account has at most five trails in a region."""
    yield
    for each in SHARED:
        cloudtrail = make_client(each, "cloudtrail")
        for trail in cloudtrail.describe_trails(includeShadowTrails=False)["trailList"]:
            cloudtrail.delete_trail(Name=trail["Name"])


@pytest.fixture(scope="session")
def client(lab: Lab) -> ClientFactory:
    """A client of the lab's learner, made once for each service; keyword arguments override its settings."""
    made: dict[str, Any] = {}

    def get(service: str, **overrides: Any) -> Any:
        key = json.dumps([service, overrides], sort_keys=True)
        if key not in made:
            made[key] = make_client(lab, service, **overrides)
        return made[key]

    return get


@pytest.fixture
def no_trails_left(client: ClientFactory) -> Iterator[None]:
    """An account has at most five trails in a region."""
    yield
    for each in client("cloudtrail").describe_trails(includeShadowTrails=False)["trailList"]:
        client("cloudtrail").delete_trail(Name=each["Name"])


def error_of(action: Callable[..., Any], **parameters: Any) -> str:
    """The code of the error that a call ends in."""
    with pytest.raises(ClientError) as caught:
        action(**parameters)
    return str(caught.value.response["Error"]["Code"])


def settled(cloudformation: Any, stack: str) -> str:
    """The status in which a stack ends, by its name or its id: it is made while its caller goes on."""
    patience = time.monotonic() + 180
    while time.monotonic() < patience:
        status: str = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(0.02)
    raise AssertionError(f"{stack} stays in {status}")


class Stack:
    """A stack of one test, deployed by the same calls that the CDK CLI makes."""

    def __init__(self, cloudformation: Any) -> None:
        self._cloudformation = cloudformation
        self.name = f"test-{uuid.uuid4().hex[:10]}"
        self.exists = False

    def deploy(self, resources: dict[str, Any], **template: Any) -> str:
        """Creates or updates the stack through a change set, and returns the status it ends in."""
        body = json.dumps({"Resources": resources, **template})
        kind = "UPDATE" if self.exists else "CREATE"
        change_set = f"c{uuid.uuid4().hex[:10]}"
        names = {"StackName": self.name, "ChangeSetName": change_set}
        self._cloudformation.create_change_set(**names, TemplateBody=body, ChangeSetType=kind)
        self._cloudformation.execute_change_set(**names)
        self.exists = True
        return self.settled()

    def delete(self) -> str:
        self._cloudformation.delete_stack(StackName=self.stack_id())
        return self.settled()

    def settled(self) -> str:
        return settled(self._cloudformation, self.stack_id())

    def stack_id(self) -> str:
        if not hasattr(self, "_stack_id"):
            self._stack_id: str = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"]
        return self._stack_id

    def physical_id(self, logical_id: str) -> str:
        found = self._cloudformation.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def outputs(self) -> dict[str, str]:
        stack = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def failures(self) -> list[str]:
        events = self._cloudformation.describe_stack_events(StackName=self.stack_id())["StackEvents"]
        return [event["ResourceStatusReason"] for event in events if event["ResourceStatus"].endswith("_FAILED")]


@pytest.fixture
def stack(client: ClientFactory) -> Stack:
    return Stack(client("cloudformation"))
