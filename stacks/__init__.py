"""Stacks: they compose constructs and publish outputs, by which people and the verifier find what was deployed.

May import ``constructs_lib`` and ``aws_cdk``; a stack makes no resource itself.
Open ``secure_trail_stack.py``: it is the one that ``app.py`` deploys.
"""
