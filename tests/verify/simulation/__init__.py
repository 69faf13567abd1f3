"""AWS as the verifier sees it, without AWS: a trail that delivers and signs log files, and an event history.

``trail`` delivers into buckets in memory and signs with keys of its own; ``server`` puts them behind HTTP,
``in_memory`` behind the interfaces of the validation. ``scenarios`` and ``scenario_table`` are what can happen to the
files. ``aws_double`` is the event history behind HTTP, ``refusing_aws`` an AWS that denies every call, and ``stubbed``
gives botocore's own clients answers in advance.

Open ``trail`` first.
"""
