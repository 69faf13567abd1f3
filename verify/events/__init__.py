"""CloudTrail's event history: the management events of the last 90 days, without a trail and without a query engine.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
"""
