"""CloudTrail's API: the operations that MiniStack lacks, and the requests that it accepts and AWS refuses.

May import `authorization`, `clock`, `delivery`, `ministack`, `protocol` and `records`.
Open `trails.py` first; `operations.py` must be installed before it, since both wrap the same operations.
"""
