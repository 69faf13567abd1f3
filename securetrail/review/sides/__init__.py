"""The two sides of a review: the base's commit in a worktree of its own, both environments, both synths.

All that starts programs and touches files is here and in the command line. May import ``printable``,
``review.comparison``, ``review.errors``, ``review.findings``, ``review.machinery`` and ``review.template``.
Open ``git.py`` first, then ``environment.py`` and ``synth.py``.
"""
