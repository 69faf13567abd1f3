"""SecureTrail's verifier: is every call recorded, were log files altered, who made a call?

It only reads, with the caller's own credentials. May import ``boto3``, ``botocore``, ``cryptography``, ``deflate``,
``duckdb``, ``isal``, ``markdown_it``, ``msgspec``, ``pyarrow``, ``pycurl``, ``re2``, ``rich``, ``sigma``, ``sqlglot``
and ``yaml``. Here ``sigma`` is the distribution pySigma. It needs neither Node nor the AWS CDK, and imports nothing of
``constructs_lib``, ``stacks`` or ``lab``.

Imports run one way: ``cli``, ``report``, ``hunt``, ``logs``, then ``posture``, ``integrity`` and ``events``, then
``storage``, ``policy`` and ``target``, and below them the modules of this folder, of which only ``aws`` makes clients.
Open ``cli/__init__.py`` first.
"""
