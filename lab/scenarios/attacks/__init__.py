"""The attacks that hunts are about, each a series of real calls by an identity that may do only so much.

Each function takes a `Director`, plays the attack, and returns what was heard of it and the facts to be found. May
import `botocore`, `errors`, `instance`, `scenarios.actor`, `scenarios.answers`, `scenarios.hunt`, `scenarios.people`,
`scenarios.recording` and `scenarios.stacks`. Open `capital_one.py` first.
"""
