"""Are the trail, its key and its bucket as they should be, and how well is the account protected?

``facts`` and ``score/collect`` ask AWS once; ``checks``, ``resource_policies`` and the judges of ``score`` are pure and
read the facts alone. May import ``arn``, ``aws``, ``bucket_name``, ``errors``, ``fact``, ``policy``, ``selectors``,
``target``, ``threads`` and ``trail``. Imports run one way: ``check``, then ``checks``, ``score``,
``ordered_fixes`` and ``who``, ``fixes``, ``resource_policies``, ``model``, ``facts``.

Open ``check`` first: it runs the checks of a trail; then a table of ``checks``. For the score open ``score/run``.
"""
