"""What a learner hands in about a scenario: the facts that are asked, what counts as right, and the score.

`facts.py` and `report.py` do no I/O. May import `cryptography`, `errors` and `instance`.
Open `facts.py` first, then `saved.py`, which keeps the solutions so that nobody reads them by accident.
"""
