"""What the bucket policy and the key policy allow CloudTrail and others, and corrected policies.

Pure: the policies are facts. ``cloudtrail_requests`` has the requests that CloudTrail makes, ``delivery_access``,
``external_access`` and ``tls`` decide, ``explain_deny`` says which statement does not match, and ``rewrite`` writes a
policy anew. May import ``arn``, ``fact``, ``policy``, ``posture.facts`` and ``posture.model``.

Open ``delivery_access`` first.
"""
