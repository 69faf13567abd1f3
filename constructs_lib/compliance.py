"""Rule packs: what every synth is checked against."""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks


def add_rule_packs(app: cdk.App) -> None:
    """Check everything in the app against four cdk-nag packs; a finding makes the synth fail.

    AWS Solutions, NIST 800-53 revision 5, HIPAA and PCI DSS 3.2.1. An exception is written where its resource is made:
    the construct's own are in :mod:`constructs_lib.acknowledgements`.
    """
    cdk.Validations.of(app).add_plugins(
        AwsSolutionsChecks(app), NIST80053R5Checks(app), HIPAASecurityChecks(app), PCIDSS321Checks(app)
    )
