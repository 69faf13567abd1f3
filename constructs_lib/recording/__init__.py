"""What the trail records: event selectors, Insights and aggregation, checked as CloudTrail would check them.

May import ``aws_cdk``, ``policies``, ``storage`` and ``validation``. The events of the buckets of ``storage`` are left
out. Open ``event_selectors.py`` first for what a user writes, ``trail_properties.py`` for what CloudFormation gets.
"""
