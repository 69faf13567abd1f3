"""Sigma rules, run with Sigma's own semantics on records as CloudTrail writes them.

pySigma, the distribution ``sigma``, parses; ``load`` bounds what it is given and says of each rule whether it can run.
``matching`` evaluates a rule on a record by what ``fields`` and ``texts`` say of its values, and ``accounts`` of other
accounts in it; ``prefilter`` finds the few rules that an event can match at all, and ``correlation`` judges rules over
many events. No I/O, no clock. May import ``re2``, ``sigma`` and ``yaml``.

Open ``matching`` first.
"""
