"""Verdicts, the periods of time that they are about, and why a period has no digest.

Pure: no I/O and no clock. May import ``msgspec``, ``selectors``, ``storage`` and ``times``.

Open ``verdict`` first: what can be said of a file or of a period; then ``gaps``, which tells a pause of logging and a
digest that is not yet due from a digest that was removed.
"""
