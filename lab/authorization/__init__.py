"""Policy evaluation for the AWS services that act on their own: CloudTrail, EventBridge and S3's replication.

Pure: policies and facts go in, a decision and its reason come out. It knows no MiniStack.
May import nothing. Open `policy.py` first.
"""
