"""What the trail records: event selectors, Insights and aggregation, checked as CloudTrail would check them.

May import ``storage`` (the buckets whose own events are left out) and ``validation``.
Open ``event_selectors.py`` first for what a user writes, ``trail_properties.py`` for what CloudFormation gets.
"""
