"""The app of `make lab` and `make deploy`: one stack with the default names, checked by cdk-nag at every synth.

The construct retains log files and key when a stack is deleted. This app is for learning, so it deletes them with the
stack; the deletion of the key can be cancelled for seven days.
"""

from __future__ import annotations

import aws_cdk as cdk

from constructs_lib import SecurityProfile
from constructs_lib.compliance import add_rule_packs
from constructs_lib.inline_synthesizer import InlineSynthesizer
from stacks.secure_trail_stack import SecureTrailStack

app = cdk.App()
get = app.node.try_get_context
add_rule_packs(app)
SecureTrailStack(
    app,
    "SecureTrail",
    description="CloudTrail, the flight recorder: every API call, every region, every time",
    # `-c profile=compliance` turns on what the rule packs ask for; it is billed, and too large to go inline.
    profile=SecurityProfile(get("profile") or "lab"),
    trail_name="ch03-security-trail",
    bucket_name=f"ch03-cloudtrail-{cdk.Aws.ACCOUNT_ID}",
    key_alias="alias/ch03-cloudtrail-key",
    key_pending_window=cdk.Duration.days(7),
    removal_policy=cdk.RemovalPolicy.DESTROY,
    # The template goes inline, with the caller's credentials: no bootstrap, one command for a learner.
    # `-c bootstrapped=true` is for teams that have bootstrapped the account.
    synthesizer=None if get("bootstrapped") == "true" else InlineSynthesizer(otherwise="add `-c bootstrapped=true`"),
)
app.synth()
