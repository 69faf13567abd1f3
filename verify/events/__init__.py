"""CloudTrail's event history: the management events of the last 90 days, without a trail and without a query engine.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html

``query`` and ``event`` are pure; ``history`` reads one region, ``search`` several. ``calls``, ``detective`` and
``capital_one`` make up ``verify detective``. May import ``aws``, ``errors``, ``global_services`` and ``times``.

Open ``search`` first.
"""
