"""Resource policies and grants: how statements are added, and what readers and the verifier are granted.

May import ``aws_cdk``, ``constructs`` and ``validation``. What CloudTrail needs on a key, bucket or topic is stated
beside that resource, in ``storage`` and ``notifications``.
Open ``attach.py`` first: it adds statements, or says what to add by hand where CDK cannot. ``denials.py`` finds those
of others that keep CloudTrail out, or let too many in.
"""
