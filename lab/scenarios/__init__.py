"""Activity worth finding: series of API calls that a learner looks for in the event history and the log files.

Imports `instance` (where the lab is, and how its time passes), `endpoint` and `errors`; calls are made with boto3.
Open `run.py` first: it lists the scenarios by name.
"""
