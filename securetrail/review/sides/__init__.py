"""The two sides of a review: the base's commit in a worktree of its own, both environments, both synths.

All that starts programs and touches files is here and in ``cli``. May import ``errors`` and ``printable``.
Open ``git.py`` first, then ``environment.py`` and ``synth.py``.
"""
