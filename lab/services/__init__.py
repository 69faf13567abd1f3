"""Services other than CloudTrail, where MiniStack differs from AWS: EventBridge, S3, and those that it lacks.

May import `authorization`, `clock`, `errors`, `ministack`, `protocol` and `records`. Most modules
are one service; `authorizing` decides for every call, and `state_machines` asks it.
Open `eventbridge.py` first: it is where records become events.
"""
