"""The cdk-nag rule packs that every synth is checked against."""

import aws_cdk as cdk


def add_rule_packs(app: cdk.App) -> None:
    """Check everything in the app against four cdk-nag packs; a finding makes the synth fail.

    AWS Solutions, NIST 800-53 revision 5, HIPAA and PCI DSS 3.2.1. An exception is stated where its resource is made:
    the construct's own are in :mod:`constructs_lib.compliance.acknowledgements`.
    """
    from cdk_nag import (  # noqa: PLC0415 (slow to load, and the construct itself needs no rule pack)
        AwsSolutionsChecks,
        HIPAASecurityChecks,
        NIST80053R5Checks,
        PCIDSS321Checks,
    )

    cdk.Validations.of(app).add_plugins(
        AwsSolutionsChecks(app), NIST80053R5Checks(app), HIPAASecurityChecks(app), PCIDSS321Checks(app)
    )
