"""Programs around the project: what a change deploys (``make review``), and taking a deployed stack away.

They may import every part; nothing imports them.
Open ``review.py`` first, or ``destroy.py`` for ``make destroy``.
"""
