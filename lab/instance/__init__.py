"""A running lab: its folder, its process, its socket, its environment and its user, seen from the command line.

May import `boto3`, `botocore`, `cryptography`, `endpoint`, `errors`, `handshake`, `mypy_boto3_iam`, `private_files` and
`settings`. It imports nothing of the server process, which it starts.
Open `lifecycle.py` first.
"""
