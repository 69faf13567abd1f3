"""The account out of 100 points, as a range where something could not be read.

``collect`` asks AWS once, by way of ``questions``; ``judges`` are pure and decide about ``facts``; ``items`` is the
table of what earns points. May import ``aws``, ``fact``, ``posture.facts``, ``posture.fixes``, ``posture.model``,
``selectors``, ``target``, ``threads`` and ``trail``.

Open ``run`` first, then ``items``.
"""
