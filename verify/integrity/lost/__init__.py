"""Of files that are altered, missing or foreign: what S3 still has of them, and who changed them.

``versions`` asks S3 for older versions; ``search`` looks for the calls in signed log files that tell of data events
(``data_events``) and in S3's server access logs (``access_logs``). Asked only where something is wrong: nothing of it
changes a verdict. May import ``aws``, ``errors``, ``integrity.facts``, ``integrity.reader``, ``integrity.result``,
``integrity.scope``, ``integrity.sources``, ``integrity.timeline``, ``integrity.validate``, ``msgspec``, ``selectors``,
``storage``, ``times`` and ``trail``.

Open ``search`` first.
"""
