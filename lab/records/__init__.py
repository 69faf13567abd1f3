"""From an answered call to its CloudTrail record.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
`recorder` hands every record on, `record` makes it: `elements` (of S3 `s3_parameters`, of EC2 `ec2_elements`) writes
parameters and results, `redaction` leaves out content, `names` spells, `resources` lists, `federated` says who had no
key. Beside it are the records of `service_calls` and `sign_in`, those of other accounts (`shared_calls`) and `samples`.
May import `authorization`, `botocore`, `clock`, `errors` and `protocol`. What becomes of a record (log files, event
history, EventBridge) is not decided here. Open `record.py` first.
"""
