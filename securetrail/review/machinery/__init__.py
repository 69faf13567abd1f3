"""What guards the repository itself: rule packs, exceptions, the control map, tests, workflows, dependencies.

Pure, over the texts of both sides. May import ``review.findings``, ``review.objections`` and ``yaml``.
Open ``files.py`` first.
"""
