"""A review in the forms that people, GitHub and programs read.

``document`` says it once, in blocks; ``text`` and ``markdown`` show the same blocks, so that neither holds more than
the other. ``sarif``, ``github`` and ``as_json`` are for programs. Pure. May import ``printable``, ``review.changes``,
``review.comparison``, ``review.findings``, ``review.granted``, ``review.objections`` and ``review.template``.
Open ``document.py`` first.
"""
