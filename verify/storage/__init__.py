"""Objects that CloudTrail delivered: in S3, in a folder, or in a copy of a bucket.

``objects`` defines the interface of a store; ``s3``, ``folder`` and ``archive``, which keeps what is read, implement
it. Threads of ``read_pool`` read a store; of ``s3`` many requests are under way at once by ``transfers``, and in other
processes by ``read_processes``, each a ``read_process``. ``layout`` parses and makes CloudTrail's object keys,
``gzip_content`` reads a file within bounds, ``inflate`` in one go. Beside them, ``state_file`` is what a command
remembers of them from one run to the next. May import ``aws``, ``bucket_name``,
``credentials``, ``deflate``, ``errors``, ``isal``, ``msgspec`` and ``pycurl``.

Open ``objects`` first.
"""
