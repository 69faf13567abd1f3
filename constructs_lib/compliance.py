"""Rule packs: what every synth is checked against."""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks


def add_rule_packs(app: cdk.App) -> None:
    """Check everything in the app against cdk-nag's AwsSolutions pack; a finding makes the synth fail.

    The construct needs no exception today. One that does is written where its resource is made, with its pack in front,
    ``Acknowledgment(id="AwsSolutions::AwsSolutions-S1", reason="…")``: without the pack in front cdk-nag obeys too,
    but the report keeps no trace of it.
    """
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
