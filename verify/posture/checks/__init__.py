"""The tables of checks: id, title, the function that decides, what is expected, why, and the fix.

``recording`` asks whether the trail records. ``lab`` has the seven checks of the course (not of the part ``lab``),
``console`` its checkpoints in the AWS console. Whom policies let in is in ``access``, and who gets a copy in
``copies``. What goes beyond the course and fails nothing is in ``trail_advice``, for the trail and its key, and in
``bucket_advice``. Pure. May import ``arn``,
``fact``, ``posture.facts``, ``posture.model``, ``posture.resource_policies``, ``selectors`` and ``target``. A check of
something new needs a fact in ``facts/trail`` and a question for it first.

Open ``lab`` first.
"""
