"""The order in which the stacks of an app are deployed, where no reference says it."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct, IConstruct


def deploy_after_owner(scope: Construct, resource: IConstruct) -> None:
    """Deploy the scope's stack after the one that makes this resource; what is imported no stack makes."""
    if isinstance(resource.node.default_child, cdk.CfnResource):
        deploy_after(scope, cdk.Stack.of(resource))


def deploy_after(scope: Construct, first: cdk.Stack | None) -> None:
    """Deploy the scope's stack after this one, as a reference to one of its resources would make it.

    A resource of another account or Region is referred to by its name, of which CDK concludes nothing. Stacks of
    another stage, and those that depend on the scope's already, stay in the order that they have.
    https://docs.aws.amazon.com/cdk/v2/guide/stacks.html (stack dependencies)
    """
    stack = cdk.Stack.of(scope)
    if first is None or first == stack or f"{stack.node.path}/".startswith(f"{first.node.path}/"):
        return
    if cdk.Stage.of(first) != cdk.Stage.of(stack) or _depends(first, stack):
        return
    stack.add_stack_dependency(first, "the trail delivers to it")


def _depends(stack: cdk.Stack, other: cdk.Stack) -> bool:
    """Whether a stack is deployed after another one."""
    return any(each == other or _depends(each, other) for each in stack.dependencies)
