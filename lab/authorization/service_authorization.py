"""AWS's Service Authorization Reference: which actions a service has, and on which types of resources.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html

The table beside this module is written by `tools/service_authorization.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

# The prefixes of the actions of all services that the lab has.
_IAM_PREFIXES_TEXT = """
    access-analyzer account acm airflow aoss apigateway appconfig appsync athena autoscaling backup batch bedrock
    bedrock-agentcore budgets cloudformation cloudfront cloudfront-keyvaluestore cloudtrail cloudwatch codebuild
    cognito-identity cognito-idp config cur dsql dynamodb ec2 ecr ecs eks elasticache elasticfilesystem
    elasticloadbalancing elasticmapreduce es events firehose geo glue guardduty iam inspector2 iot iotjobsdata
    iotwireless kafka kinesis kinesisanalytics kms lambda logs mediaconnect mq organizations pipes rds rds-data
    resource-groups route53 s3 s3files s3tables scheduler secretsmanager securityhub servicediscovery ses signer sns
    sqs ssm states sts tag transcribe transfer translate waf waf-regional wafv2
"""
IAM_PREFIXES = frozenset(_IAM_PREFIXES_TEXT.split())
# Names that requests are signed with and that are no prefixes of actions.
_PREFIX_OF_SIGNING_NAME = {
    "cloudcontrolapi": "cloudformation",
    "email": "ses",
    "iot-jobs-data": "iotjobsdata",
    "iotdata": "iot",
    "monitoring": "cloudwatch",
    "tagging": "tag",
}


@dataclass(frozen=True, slots=True)
class Action:
    """An action as policies spell it, such as `s3:GetObject`.

    :param resources: the types of resources that it is for, and whether a request always has one of that type.
    """

    name: str
    resources: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """What the reference says about one service: its actions, by name in lower case, the ARN formats of its types of
    resources, and the names of its own condition keys in lower case.
    """

    actions: Mapping[str, Action]
    arn_formats: Mapping[str, str]
    condition_keys: frozenset[str]


def prefix_of(signing_name: str) -> str:
    """The prefix of a service's actions, by the name that its requests are signed with."""
    return _PREFIX_OF_SIGNING_NAME.get(signing_name, signing_name)


@cache
def reference(prefix: str) -> Reference | None:
    """What the reference says about the service of a prefix; None when the lab has no such service."""
    found = _table().get(prefix)
    if found is None:
        return None
    actions = {name.lower(): _action(f"{prefix}:{name}", types) for name, types in found["actions"].items()}
    return Reference(actions, found["resources"], frozenset(map(str.lower, found["keys"])))


def _action(name: str, types: list[str]) -> Action:
    # The ARN formats are by types in lower case.
    return Action(name, tuple((each.removesuffix("*").lower(), each.endswith("*")) for each in types))


@cache
def _table() -> dict[str, Any]:
    text = Path(__file__).with_name("service_authorization.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["services"]
    return found
