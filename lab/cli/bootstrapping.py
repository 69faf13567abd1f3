"""Which accounts and Regions an app has to find bootstrapped, and which of them the lab has not bootstrapped yet.

CDK's standard synthesizer says in the cloud assembly what each stack needs:
https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping.html
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from lab.errors import LabError
from lab.instance.folder import Lab
from lab.instance.lifecycle import Stack
from lab.scenarios.actor import Actor, CallOrigin, Credentials, learner

# The stack that `cdk bootstrap` makes.
_TOOLKIT = "CDKToolkit"
_DEFAULT_QUALIFIER = "hnb659fds"
_VERSION_PARAMETER = re.compile(r"/cdk-bootstrap/([A-Za-z0-9_-]{1,10})/version")
_ENVIRONMENT = re.compile(r"aws://([^/]+)/([^/]+)")
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
# What stands for the account and the Region of whoever deploys.
_UNKNOWN_ACCOUNT, _UNKNOWN_REGION = "unknown-account", "unknown-region"
# Of a stack that was never made, or is half gone: it can only be deleted.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_UNUSABLE = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
_ORIGIN = CallOrigin("127.0.0.1", "python -m lab deploy")


@dataclass(frozen=True, slots=True, order=True)
class Environment:
    """An account (twelve digits) and a Region, and the name by which an app knows its bootstrap resources.

    :param toolkit: the stack of these resources; each qualifier has one.
    """

    account: str
    region: str
    qualifier: str = _DEFAULT_QUALIFIER
    toolkit: str = _TOOLKIT

    def __str__(self) -> str:
        return f"aws://{self.account}/{self.region}"

    def arguments(self, lab: Lab) -> list[str]:
        """What `cdk bootstrap` is told: the lab's account deploys to another one by the roles that trust it there."""
        is_another = self.account != lab.account
        trusting = ["--trust", lab.account, "--cloudformation-execution-policies", _ADMINISTRATOR] if is_another else []
        named = ["--qualifier", self.qualifier] if self.qualifier != _DEFAULT_QUALIFIER else []
        apart = ["--toolkit-stack-name", self.toolkit] if self.toolkit != _TOOLKIT else []
        # The account is all that it needs; an app costs a synth.
        return [str(self), "--app", "", *trusting, *named, *apart]


def missing(
    lab: Lab,
    assembly: Path,
    stacks: Sequence[Stack],
    is_there: Callable[[Environment], bool],
    *,
    since_seconds: float = 0,
) -> list[Environment]:
    """The accounts and Regions that the app as it was synthesized last needs bootstrapped, and that are not.

    :param assembly: the folder of the cloud assembly; nothing is missing where there is none.
    :param stacks: the stacks of the lab.
    :param is_there: whether CDK finds these bootstrap resources.
    :param since_seconds: seconds since the epoch; what was synthesized before then tells nothing of a failure after.
    """
    try:
        if (assembly / "manifest.json").stat().st_mtime < since_seconds:
            return []
        wanted = set(_wanted(lab, assembly))
    except (FileNotFoundError, ValueError):  # the app failed, or Ctrl-C came while it wrote
        return []
    status = {(each.account, each.region, each.name): each.status for each in stacks}

    def status_of(environment: Environment) -> str | None:
        return status.get((environment.account, environment.region, environment.toolkit))

    def in_its_own_stack(environment: Environment) -> Environment:
        """Another qualifier for a stack that there is would take away what is known by the one before."""
        if environment.qualifier == _DEFAULT_QUALIFIER and status_of(environment) in (None, *_UNUSABLE):
            return environment
        return replace(environment, toolkit=f"{_TOOLKIT}-{environment.qualifier.replace('_', '-')}")

    candidates = map(in_its_own_stack, wanted)
    return sorted(each for each in candidates if status_of(each) in _UNUSABLE or not is_there(each))


def is_there(lab: Lab, environment: Environment) -> bool:
    """Whether there is the parameter by which CDK knows the version of the bootstrap resources, before it deploys.

    https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
    """
    ssm = _owner(lab, environment).client("ssm", environment.region)
    try:
        ssm.get_parameter(Name=f"/cdk-bootstrap/{environment.qualifier}/version")
    except ClientError:
        return False
    return True


def remove_failed(lab: Lab, environment: Environment, stacks: Sequence[Stack]) -> None:
    """Deletes a bootstrap stack that was never made whole, and the bucket that it leaves, if nothing is in there: its
    template says to retain it, and its name is in the way of the next one.

    :raises LabError: the stack cannot be deleted.
    """
    owner = _owner(lab, environment)
    place = (environment.account, environment.region, environment.toolkit)
    if any((each.account, each.region, each.name) == place and each.status in _UNUSABLE for each in stacks):
        cloudformation = owner.client("cloudformation", environment.region)
        try:
            cloudformation.delete_stack(StackName=environment.toolkit)
            cloudformation.get_waiter("stack_delete_complete").wait(
                StackName=environment.toolkit, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
            )
        except (ClientError, WaiterError) as error:
            raise LabError(
                f"The bootstrap stack {environment.toolkit} in {environment} cannot be deleted: {error}. Look at its "
                "events, remove what is in the way, and deploy again."
            ) from error
        bucket = f"cdk-{environment.qualifier}-assets-{environment.account}-{environment.region}"
        with contextlib.suppress(ClientError):  # there is none, or files are in it
            owner.client("s3", environment.region).delete_bucket(Bucket=bucket)


def _owner(lab: Lab, environment: Environment) -> Actor:
    """Whoever bootstraps: the lab's administrator, or the root of another account."""
    if environment.account == lab.account:
        return learner(lab, _ORIGIN)
    root = Credentials(environment.account, lab.root_secret(environment.account))
    return Actor(lab, f"root of {environment.account}", root, _ORIGIN)


def _wanted(lab: Lab, assembly: Path) -> Iterator[Environment]:
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    for artifact in manifest.get("artifacts", {}).values():
        properties: dict[str, Any] = artifact.get("properties", {})
        if artifact.get("type") == "cdk:cloud-assembly":  # a stage
            yield from _wanted(lab, assembly / properties["directoryName"])
        place = _ENVIRONMENT.fullmatch(artifact.get("environment", ""))
        if place and "requiresBootstrapStackVersion" in properties:
            account, region = place.groups()
            name = _VERSION_PARAMETER.fullmatch(properties.get("bootstrapStackVersionSsmParameter", ""))
            yield Environment(
                lab.account if account == _UNKNOWN_ACCOUNT else account,
                lab.region if region == _UNKNOWN_REGION else region,
                name[1] if name else _DEFAULT_QUALIFIER,
            )
