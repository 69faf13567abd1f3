"""Athena over the log files: a Glue table, a workgroup with a scan limit, named queries.

May import ``aws_cdk``, ``compliance``, ``constructs`` and ``storage``. The bucket for results is one of ``storage``.
Open ``log_analytics.py`` first; the other two files are the table and the queries that it makes.
"""
