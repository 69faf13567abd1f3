"""CloudTrail's event history: the management events of the last 90 days, without a trail and without a query engine.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html

``times``, ``query`` and ``event`` are pure; ``history`` reads one region, ``search`` several. ``calls``, ``detective``
and ``capital_one`` make up the detective's exercise. May import ``verify.aws`` and ``verify.errors`` only.

Open ``search`` first.
"""
