"""One trail to learn with: key, bucket and trail, for almost no cost, deleted with the stack."""

import aws_cdk as cdk

from constructs_lib import NewKey, SecureTrail
from constructs_lib.compliance import add_rule_packs
from constructs_lib.inline_synthesizer import InlineSynthesizer


def build(app: cdk.App) -> None:
    """Add the stack."""
    stack = cdk.Stack(app, "LabTrail", synthesizer=InlineSynthesizer())
    SecureTrail(
        stack,
        "SecureTrail",
        trail_name="lab-trail",
        encryption_key=NewKey(pending_window=cdk.Duration.days(7)),
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )


if __name__ == "__main__":
    lab = cdk.App()
    add_rule_packs(lab)
    build(lab)
    lab.synth()
