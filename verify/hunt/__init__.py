"""Known attacks, found in the delivered log files without asking: rules, what they find, and what was looked at.

``rules`` has the rules, ``sigma`` runs them, ``events`` reads files as they need them, ``hunt`` brings these together,
``run`` is the whole, with what an answer rests on; ``finding`` and ``incident`` are what comes out. May import
``errors``, ``events``, ``integrity``, ``logs``, ``msgspec``, ``re2``, ``sigma``, ``storage``, ``times`` and ``yaml``.

Open ``hunt`` first.
"""
