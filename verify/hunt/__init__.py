"""Known attacks, found in the delivered log files without asking: rules, what they find, and what was looked at.

``sigma`` runs Sigma rules, ``events`` reads files as rules need them, ``hunt`` brings both together, ``finding`` is
what comes out. May import ``logs``, ``msgspec``,
``re2``, ``sigma`` and ``yaml``.

Open ``hunt`` first.
"""
