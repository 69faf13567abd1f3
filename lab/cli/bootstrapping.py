"""Which accounts and Regions an app has to find bootstrapped, and which of them the lab has not bootstrapped yet.

CDK's standard synthesizer says in the cloud assembly what each stack needs:
https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping.html
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.instance.folder import Lab
from lab.instance.lifecycle import Stack

# The stack that `cdk bootstrap` makes.
_TOOLKIT = "CDKToolkit"
_DEFAULT_QUALIFIER = "hnb659fds"
_VERSION_PARAMETER = re.compile(r"/cdk-bootstrap/([A-Za-z0-9_-]{1,10})/version")
_ENVIRONMENT = re.compile(r"aws://([^/]+)/([^/]+)")
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
# What stands for the account and the Region of whoever deploys.
_UNKNOWN_ACCOUNT, _UNKNOWN_REGION = "unknown-account", "unknown-region"


@dataclass(frozen=True, slots=True, order=True)
class Environment:
    """An account (twelve digits) and a Region, and the name by which an app knows its bootstrap resources."""

    account: str
    region: str
    qualifier: str = _DEFAULT_QUALIFIER

    def __str__(self) -> str:
        return f"aws://{self.account}/{self.region}"

    def arguments(self, lab: Lab) -> list[str]:
        """What `cdk bootstrap` is told: the lab's account deploys to another one by the roles that trust it there."""
        is_another = self.account != lab.account
        trusting = ["--trust", lab.account, "--cloudformation-execution-policies", _ADMINISTRATOR] if is_another else []
        named = ["--qualifier", self.qualifier] if self.qualifier != _DEFAULT_QUALIFIER else []
        # The account is all that it needs; an app costs a synth.
        return [str(self), "--app", "", *trusting, *named]


def missing(lab: Lab, assembly: Path, stacks: Sequence[Stack], *, since_seconds: float) -> list[Environment]:
    """The accounts and Regions that the app as it was synthesized last needs bootstrapped, and that are not.

    :param assembly: the folder of the cloud assembly; nothing is missing where there is none.
    :param stacks: the stacks of the lab.
    :param since_seconds: seconds since the epoch; what was synthesized before then tells nothing of a failure after.
    """
    try:
        if (assembly / "manifest.json").stat().st_mtime < since_seconds:
            return []
        wanted = set(_wanted(lab, assembly))
    except (FileNotFoundError, ValueError):  # the app failed, or Ctrl-C came while it wrote
        return []
    there = {(each.account, each.region) for each in stacks if each.name == _TOOLKIT}
    return sorted(each for each in wanted if (each.account, each.region) not in there)


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
