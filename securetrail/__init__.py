"""The commands of the distribution: ``python -m securetrail review`` says what protection a change loses.

It stands beside the parts; no part imports it. May import ``cfnlint``, ``lab``, ``verify`` and
``yaml``.
Open ``review/cli.py``: it is the one command so far.
"""
