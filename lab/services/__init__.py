"""Services other than CloudTrail, where MiniStack differs from AWS: EventBridge, S3, and those that it lacks.

May import `authorization`, `clock`, `errors`, `ministack`, `protocol` and `records`. Each module is one service and has
no need of another.
Open `eventbridge.py` first: it is where records become events.
"""
