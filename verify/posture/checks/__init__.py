"""The tables of checks: id, title, the function that decides, what is expected, why, and the fix.

``lab`` has the lab's seven, ``console`` its checkpoints in the AWS console; ``bucket_advice`` and ``trail_advice`` have
what goes beyond the lab and fails nothing. Pure. May import ``resource_policies``, ``model`` and ``facts``.

Open ``lab`` first.
"""
