"""Policy evaluation, for callers and for the AWS services that act on their own (CloudTrail, EventBridge, S3).

`decision` is for callers, by `document` and `principal`; what a call needs say `needs`, `special_needs`, `s3_needs` and
`tag_needs`, from AWS's `service_authorization`. `policy` is for service principals, for which `cloudtrail_access`,
`delivery_access` and `replication_access` ask; `closest_statement` says why not. `conditions` serve both.
Pure: policies, `facts` and requests go in, a decision and its reason come out. It knows no MiniStack. May import
nothing.
Open `decision.py` first, then `special_needs.py`, which says what a call needs.
"""
