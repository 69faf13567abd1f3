"""Has anybody altered the record? Digests, their chain, and the log files that they sign for.

``content``, ``names``, ``digest``, ``keys``, ``examine``, ``chain``, ``coverage`` and ``timeline`` are pure: bytes and
facts in, verdicts out. ``collect`` and ``validate`` ask for the bytes.
"""
