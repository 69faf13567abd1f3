"""SecureTrail, an L3 construct: a key, a log bucket and a multi-region, validated CloudTrail trail in one statement."""

from constructs_lib.secure_trail import SecureTrail

__all__ = ["SecureTrail"]
