"""A model of CloudTrail and of an attacker: generated histories, of which the truth is known, against the verifier.

:mod:`.case` is what a case consists of, :mod:`.generator` draws one from a seed, :mod:`.cloudtrail` plays its history,
:mod:`.attacker` its attacks, :mod:`.service` answers the verifier, :mod:`.properties` judges it, :mod:`.run` joins it,
:mod:`.fuzz` does so many times.

What the model takes from no document, because there is none:

- A region's digests come in their order, also when they come late.
- The last digest of a chain starts before logging was stopped, and may end minutes after it. What is delivered then
  tells of the time before.
- The first digest of a chain may start up to 45 seconds after StartLogging.
- StartLogging on a trail that logs may change StartLoggingTime.
- A backfilled log becomes visible together with its digest.

- A setting that an UpdateTrail does not name stays as it was.

What it takes as a limit that nobody can do better than, and does not ask for: what the event history does not hold yet
of which regions and members there are, members' own opt-outs, the newest backfill digest of each chain.

What it does not model: an answer or a listing that does not end or comes slowly (see
``tests/verify/integrity/hostile``), object versions, KMS, the event history's ninety days, the thirty days for which
CloudTrail tries to deliver.
"""
