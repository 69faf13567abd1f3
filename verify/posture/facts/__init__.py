"""What AWS says about the trail, its key and its bucket. Nothing here decides whether that is good.

``trail`` has the facts as data, with the API call behind each; ``recording``, ``bucket``, ``copies`` and ``key`` ask
for them, ``lifecycle`` reads what comes back, ``collect`` asks for all at once. May import
``arn``, ``aws``, ``bucket_name``, ``errors``, ``fact``, ``selectors``, ``target``, ``threads`` and ``trail``.

Open ``trail`` first.
"""
