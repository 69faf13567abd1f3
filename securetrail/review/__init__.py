"""What a change of a CDK app loses: templates of both sides compared by what they allow and protect, offline.

``sides`` gets the two cloud assemblies and ``template`` resolves them. ``access``, ``controls``, ``changes``,
``machinery`` and ``findings`` compare, purely; ``decisions`` accepts what is intended, ``report`` shows it. Only
``cli`` prints. May import ``cfnlint``, ``parser``, ``printable``, ``verify`` and ``yaml``.
Open ``comparison.py`` first: it puts the answers together.
"""
