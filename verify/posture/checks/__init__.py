"""The tables of checks: id, title, the function that decides, what is expected, why, and the fix.

``lab`` has the seven checks of the course, ``console`` its checkpoints in the AWS console. What goes beyond the course
and fails nothing is in ``trail_advice``, for the trail and its key, and in ``bucket_advice``. Pure. May import
``fact``, ``posture.facts``, ``posture.model`` and ``posture.resource_policies``. A check of something new needs a fact
in ``facts/trail`` and a question for it first.

Open ``lab`` first.
"""
