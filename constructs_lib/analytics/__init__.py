"""Athena over the log files: a Glue table, a workgroup with a scan limit, named queries.

May import ``storage`` (the bucket for results), ``compliance`` and ``validation``.
Open ``log_analytics.py`` first; the other two files are the table and the queries that it makes.
"""
