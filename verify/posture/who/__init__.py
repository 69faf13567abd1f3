"""Who can blind the recorder: which identities can stop the trail, or take or alter its record.

Open ``powers`` first: what blinds. Then ``decide`` (may this identity make that call?), ``steps`` (what it can become
by one call), ``outsiders`` (whom policies let in from elsewhere) and ``judge`` (the answer for every identity): they
are pure. ``identities`` and ``recorder`` ask AWS, ``run`` puts all together, and ``section``
makes the answer a part of a check. May import ``arn``, ``aws``, ``errors``, ``fact``, ``policy``, ``posture.facts``,
``posture.model``, ``target`` and ``trail``.
"""
