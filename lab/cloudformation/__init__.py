"""CloudFormation's resource types: those that the lab provisions itself, and what it adds to MiniStack's own.

Imports `records` (what a stack does is recorded too), `ministack` and `protocol`.
Open `registry.py` first: it lists the types.
"""
