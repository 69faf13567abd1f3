"""Programs around the project: what a change deploys (``make review``), taking a deployed stack away, and the
tree of modules in the architecture.

They may import every part; nothing imports them.
Open ``review.py`` first, or ``destroy.py`` for ``make destroy``.
"""
