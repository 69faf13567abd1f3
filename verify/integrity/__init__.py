"""Were log files altered, removed or added? Digests, their chain, and the log files that they list.

``digests`` and ``timeline`` are pure: bytes and facts in, verdicts out. The modules of this folder read files
(``reader``), ask CloudTrail (``facts``) and put results together. May import ``storage`` and the modules of ``verify``
itself, and nothing of ``posture``, ``events``, ``report`` or ``cli``.

Open ``validate`` first: it validates a trail; then ``chain_validation``, which validates one chain day by day, and
``reconcile``, which decides whether a log that is missing was deleted or is merely not due.
"""
