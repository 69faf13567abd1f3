"""Policy evaluation, for callers and for the AWS services that act on their own (CloudTrail, EventBridge, S3).

Pure: policies, facts and requests go in, a decision and its reason come out. It knows no MiniStack. May import nothing.
Open `decision.py` first, then `special_needs.py`, which says what a call needs; `policy.py` is for service principals.
"""
