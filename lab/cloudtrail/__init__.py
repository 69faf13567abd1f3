"""CloudTrail's API: the operations that MiniStack lacks, and the requests that it accepts and AWS refuses.

Imports `delivery`, `records` (the event history holds them), `authorization`, `ministack`, `protocol` and `clock`.
Open `trails.py` first; `operations.py` must be installed before it, since both wrap the same operations.
"""
