"""The lab: an embedded AWS on this machine, for learners who have no account.

`python -m lab up` starts MiniStack with what it lacks for an account that is recorded by CloudTrail; `deploy`, `diff`
and `destroy` run the ordinary CDK CLI against it; `down` stops it. Nothing here can reach a real account.
"""
