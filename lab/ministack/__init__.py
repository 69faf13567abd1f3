"""The adapter to MiniStack, the emulator of AWS: the only code that imports it and touches its internals.

MiniStack 1.5.33 (MIT licence) is pinned; each name used has a test, so that an upgrade that moves one fails by its name
and not in a deployment. It reads its settings when it is imported, so this is for the server process only.
May import `authorization`, `ministack` and `protocol`. Here `ministack` is the distribution, elsewhere in the lab
this folder. Of `authorization` it takes the facts that decisions are made on. Modules are named after MiniStack's
services. Open `core.py` first.
"""
