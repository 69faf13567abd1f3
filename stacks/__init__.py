"""Stacks: they compose constructs and publish outputs, by which people and the verifier find what was deployed.

May import ``aws_cdk``, ``constructs`` and ``constructs_lib``. A stack makes no resource itself.
Open ``secure_trail_stack.py``: it is the one that ``app.py`` deploys.
"""
