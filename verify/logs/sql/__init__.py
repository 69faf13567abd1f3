"""Queries as texts: which may run, what they read, those that have a name, and Athena's.

``statement`` judges a query by the functions of ``functions``; ``pushdown`` finds what it demands of every event;
``filters`` and ``named`` make queries, ``athena`` translates. Nothing here runs one. May import ``errors``,
``logs.schema`` and ``sqlglot``.

Open ``statement`` first.
"""
