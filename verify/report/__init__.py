"""Results as text and as JSON.

One module for each command, and a folder for ``integrity``; ``marks`` and ``markdown`` have what several reports share,
``iam_policy`` the policy that a command needs. A report yields its pieces; ``terminal`` prints them, and nothing else
here writes to the terminal. May import
``errors``, ``events``, ``hunt``, ``integrity``, ``logs``, ``markdown_it``, ``msgspec``, ``posture``, ``pyarrow``,
``rich``, ``storage`` and ``times``.

Open ``terminal`` first, then the report in question.
"""
