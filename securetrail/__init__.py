"""The commands of the distribution: ``python -m securetrail review`` says what protection a change loses.

Stands beside the parts and may import any of them; nothing imports it.
Open ``review/cli.py``: it is the one command so far.
"""
