"""What a change of a CDK app loses: templates of both sides compared by what they allow and protect, offline.

``judge`` says whose code judges, ``sides`` gets the two cloud assemblies and ``template`` resolves them. ``access`` (in
the words of ``granted``), ``controls``, ``changes``, ``machinery`` and ``findings`` compare, purely; ``comparison``
puts their ``objections`` together, ``decisions`` accepts what is intended, ``report`` shows it. Only ``cli`` prints,
also what ``progress`` says; ``errors`` end a review. May import ``cfnlint``, ``parser``, ``printable``, ``verify`` and
``yaml``.
Open ``comparison.py`` first: it puts the answers together.
"""
