"""Were log files altered, removed or added? Digests, their chain, and the log files that they list.

``digests`` and ``timeline`` are pure: bytes and facts in, verdicts out. The modules of this folder read files
(``reader``), ask CloudTrail (``facts``) and put results together. May import ``aws``, ``bucket_name``,
``cryptography``, ``errors``, ``global_services``, ``selectors``, ``storage``, ``threads``, ``times`` and ``trail``.

Open ``validate`` first: it validates a trail; then ``chain_validation``, which validates one chain day by day,
``reconcile``, which judges log files; ``origin``, which says what a missing one means; ``timeline/gaps``, which
explains periods without a digest.
"""
