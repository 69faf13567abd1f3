"""Programs around the project: taking a deployed stack away, and the tree of modules in the architecture.

They may import every part; nothing imports them. ``review.sh`` is what ``make review`` runs.
Open ``destroy.py`` first, for ``make destroy``.
"""
