"""What services need to be allowed so that what the stack has still works, and whether a change takes it from them.

Pure. May import ``review.access.model``, ``review.access.policies``, ``review.template`` and ``verify``.
Open ``needed`` first: what CloudTrail asks of bucket and key. ``deliveries`` has roles, keys and logs of access.
``documents`` is about Systems Manager: what runs there by itself, and whether it may take something away.
"""
