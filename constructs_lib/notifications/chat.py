"""Alerts in a chat: the channel, and the words that AWS's chat service shows.

Amazon Q Developer in chat applications (AWS Chatbot before) shows CloudWatch's alarms, and of other messages only those
that have its own form: a sentence alone is left out without a word.
https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_iam as iam
from constructs import Construct


def as_custom_notification(title: str, description: str) -> str:
    """A message that the chat shows, as an EventBridge rule's template takes it."""
    content = {"textType": "client-markdown", "title": title, "description": description}
    return json.dumps({"version": "1.0", "source": "custom", "content": content}, ensure_ascii=False)


def create_channels(scope: Construct, channels: Sequence[tuple[str, str]], topic_arn: str) -> None:
    """Let each channel show what is published to the topic. From the channel nobody may do anything.

    Without guardrails a channel's role could be given everything; without a role for each user the channel's counts:
    https://docs.aws.amazon.com/chatbot/latest/adminguide/understanding-permissions.html

    The service subscribes to the topic by itself.

    :param channels: of each, the workspace's id and its own.
    """
    stack = cdk.Stack.of(scope)
    role = iam.Role(
        scope,
        "ChatRole",
        description="What people may do in AWS from the channels that show alerts about the audit trail: nothing",
        assumed_by=iam.ServicePrincipal("chatbot.amazonaws.com"),
    )
    base = cdk.Names.unique_resource_name(scope, max_length=100, separator="-")
    for number, (workspace_id, channel_id) in enumerate(channels, 1):
        # A construct's id is known during the synth; one by the channel stays when channels are put in another order.
        name = f"No{number}" if cdk.Token.is_unresolved(channel_id) else channel_id
        chatbot.CfnSlackChannelConfiguration(
            scope,
            f"Chat{name}",
            configuration_name=f"{base}-{channel_id}",
            slack_workspace_id=workspace_id,
            slack_channel_id=channel_id,
            iam_role_arn=role.role_arn,
            guardrail_policies=[f"arn:{stack.partition}:iam::aws:policy/AWSDenyAll"],
            sns_topic_arns=[topic_arn],
            user_role_required=False,
        )
