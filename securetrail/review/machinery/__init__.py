"""What guards the repository itself: rule packs, exceptions, the control map, tests, workflows, dependencies.

Pure, over the texts of both sides; ``sides`` and ``cli`` read them. May import ``findings`` and ``objections``.
Open ``files.py`` first.
"""
