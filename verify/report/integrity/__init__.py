"""What ``verify integrity`` says: text for people, JSON for programs, a case file, and what to do next.

May import ``integrity``, ``msgspec``, ``report.markdown``, ``report.terminal``, ``rich``, ``storage`` and ``times``.

Open ``text`` first: its first sentence is the answer.
"""
