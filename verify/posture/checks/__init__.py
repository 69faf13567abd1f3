"""The tables of checks: id, title, the function that decides, what is expected, why, and the fix.

``lab`` has the lab's seven, ``console`` its checkpoints in the AWS console. What goes beyond the lab and fails nothing
is in ``trail_advice``, for the trail and its key, and in ``bucket_advice``. Pure. May import ``resource_policies``,
``model`` and ``facts``; a check of something new needs a fact in ``facts/trail`` and a question for it first.

Open ``lab`` first.
"""
