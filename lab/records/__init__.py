"""From an answered call to its CloudTrail record:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html

May import `authorization`, `botocore`, `clock`, `errors` and `protocol`. Of `authorization` it takes what statements of
PartiQL are about. What becomes of a record (log files, event history, EventBridge) is not decided here. Open
`record.py` first.
"""
