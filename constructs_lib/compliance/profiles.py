"""Profiles, which are sets of defaults.

``LAB`` costs almost nothing; ``COMPLIANCE`` turns on what the rule packs ask for.
"""

from __future__ import annotations

from enum import Enum


class SecurityProfile(Enum):
    """A set of defaults; each is overridden by its prop.

    ``LAB`` is a trail, a key and two buckets, and costs almost nothing. ``COMPLIANCE`` adds what the NIST 800-53, HIPAA
    and PCI DSS rule packs ask for: CloudWatch Logs, the CIS alarms, alerts on tampering, a replica, and a year of
    Object Lock in governance mode, which ``s3:BypassGovernanceRetention`` can still lift (PCI DSS 4.0.1, 10.5.1, asks
    for a year's logs). Replica and lock are those of a new log bucket; an existing one keeps what it has.

    The rule packs are those of cdk-nag 3: AWS Solutions, NIST 800-53 r5, HIPAA Security and PCI DSS 3.2.1. The alarms
    are those of CIS AWS Foundations 1.4, 3.0 and 5.0. The control map names the requirements of PCI DSS 4.0.1 as well.
    """

    LAB = "lab"
    COMPLIANCE = "compliance"
