"""Activity worth finding: series of API calls that a learner looks for in the event history and the log files.

May import `boto3`, `botocore`, `cryptography`, `endpoint`, `errors`, `handshake` and `instance`. Calls are made with
boto3; `instance` knows where the lab is, and how its time passes.
Open `run.py` first: it lists the scenarios by name; then `hunt.py`, for those whose facts are to be found.
"""
