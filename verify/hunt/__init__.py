"""Known attacks, found in the delivered log files without asking: rules, what they find, and what was looked at.

``rules`` loads the rules (those that come with the program are ``rules/*.yml``), ``sigma`` runs them, ``events``
reads events as they need them, and ``hunt`` brings these together. ``run`` is the whole, with what an answer rests on
(``blind``, ``state``) and the rules that are Python (``baseline``); ``finding`` and ``incident`` are what comes out,
``identity`` says who it was. ``timeline`` is one principal's, ``rule_tests`` tests rules, ``detections`` lists them.
May import ``errors``, ``events``, ``integrity``, ``logs``, ``msgspec``, ``re2``, ``sigma``, ``storage``, ``times`` and
``yaml``. Of these ``sigma`` is a distribution, pySigma, and ``events`` is ``verify/events``. Open ``hunt`` first.
"""
