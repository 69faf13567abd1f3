"""The trail waits for its alarms, but for those that the app gives another action, which may know the trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii
from constructs import IConstruct

if TYPE_CHECKING:  # only named in signatures
    from aws_cdk import aws_cloudwatch as cloudwatch


@jsii.implements(cdk.IAspect)
class AfterAlarms:
    """Makes a trail wait, just before the template is written, when the app has done all that it does to the alarms.

    A function that an alarm calls and that refers to the trail waits for the trail; a trail that waited for the alarm
    would close a cycle, which CloudFormation refuses. https://docs.aws.amazon.com/cdk/v2/guide/aspects.html

    :param alarms: those of the construct; the list may grow until then.
    :param topic_arn: their one action, as they were made.
    """

    def __init__(self, alarms: Sequence[cloudwatch.CfnAlarm], topic_arn: str) -> None:
        self._alarms = alarms
        self._actions = [topic_arn]

    def visit(self, node: IConstruct) -> None:
        """Add the dependencies to the trail, which is all that this is told of."""
        as_made = [each for each in self._alarms if self._is_as_made(each)]
        if as_made:
            node.node.add_dependency(*as_made)

    def _is_as_made(self, alarm: cloudwatch.CfnAlarm) -> bool:
        return alarm.alarm_actions == self._actions and not (alarm.ok_actions or alarm.insufficient_data_actions)
