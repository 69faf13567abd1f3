"""The lab: an embedded AWS on this machine, for people who have no account.

`python -m lab up` starts MiniStack with what it lacks for an account that CloudTrail records; `python -m lab deploy`
runs the ordinary CDK CLI against it, `python -m lab down` stops it. Nothing here can reach a real account. Imports
nothing of `constructs_lib`, `stacks` or `verify`. What `cli`, `scenarios` and `instance` start is another process:
`server` and the folders below it.
Open `cli/commands.py` first for what a person types, `server/gateway.py` for the way of a request.
"""
