"""Objects that CloudTrail delivered: in S3, in a folder, or in a copy of a bucket.

``objects`` defines the interface of a store; ``s3`` (with ``transfers`` and ``read_processes``), ``folder`` and
``archive`` implement it.
``layout`` parses and makes CloudTrail's object keys, ``gzip_content`` reads a file within bounds. May import ``aws``,
``bucket_name``, ``credentials``, ``deflate``, ``errors``, ``isal`` and ``pycurl``.

Open ``objects`` first.
"""
