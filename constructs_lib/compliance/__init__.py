"""Rule packs, the exceptions to them, the profiles, and which controls of a standard a template meets.

Public: :func:`add_rule_packs`. May import ``aws_cdk``, ``cdk_nag`` and ``constructs``.
Importing this package loads no rule pack: that takes seconds, and only an app that checks its stacks needs them.
Open ``profiles.py`` first for the two sets of defaults, ``acknowledgements.py`` for an exception to a rule,
``controls.json`` for the control map.
"""

from constructs_lib.compliance.rule_packs import add_rule_packs

__all__ = ["add_rule_packs"]
