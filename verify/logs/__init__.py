"""The delivered log files as a table: read, queried in SQL, and what an answer rests on.

``schema`` has the columns, ``record`` takes a record apart and puts it together again, ``decode`` does the same for
whole files at once. ``places`` finds the files, ``reading`` reads them within bounds, ``sql`` judges a query before
``engine`` runs it, ``answer`` says what an answer rests on. May import ``aws``, ``deflate``, ``duckdb``,
``errors``, ``integrity``, ``msgspec``, ``pyarrow``, ``sqlglot``, ``storage``, ``threads`` and ``times``.

Open ``schema`` first.
"""
