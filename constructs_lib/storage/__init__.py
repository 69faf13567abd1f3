"""Where log files are stored: key, buckets, replica, log group, and the policies that these need.

May import ``aws_cdk``, ``compliance``, ``constructs``, ``jsii``, ``policies`` and ``validation``.
Open ``buckets.py`` first for what every bucket has, ``log_bucket.py`` and ``log_key.py`` for what CloudTrail is
granted, ``replication.py`` for the second copy, ``required_policies.py`` for resources of another stack or account,
``later_changes.py`` for what is told of what an app does to them.
"""
