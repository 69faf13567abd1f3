"""The lab: an AWS on this machine, for learners who have no account.

`cli`, `guide`, `scenarios` and `instance` are what a person starts; `server`, with the other folders, is the process
that `instance` starts. The two meet over HTTP only: both may use `endpoint`, `errors`, `handshake`, `private_files` and
`settings`, and nothing of each other. Nothing here can reach a real account. May import `boto3`, `botocore`,
`cryptography`, `hypercorn`, `ministack`, `mypy_boto3_iam` and `yaml`. Here `ministack` is the distribution.
Open `cli/commands.py` first, or `server/application.py` for what happens to a request.
"""
