"""CloudFormation's resource types: those that the lab provisions itself, and what it adds to MiniStack's own.

May import `botocore`, `ministack`, `protocol` and `records`. What a stack does is recorded too.
Open `registry.py` first: it lists the types.
"""
