"""Who can blind the recorder: which principals of the account can stop the trail, or take or alter its record.

Open ``powers`` first: what blinds. Then ``decide`` (may this identity make that call?), ``steps`` (what it can become
by one call) and ``judge`` (the answer for every identity); ``collect`` asks AWS. All but ``collect`` are pure. May
import ``posture.facts``, ``policy``, ``target`` and what lies below them.
"""
