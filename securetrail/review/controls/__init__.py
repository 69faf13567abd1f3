"""What each resource protects, as values that can be ordered: a trail's selectors, days of retention, alarm targets.

``table`` has the controls, ``values`` the orders, ``compare`` says what is lost or weaker, ``rest`` what differs
without an order, ``views`` by what people look, ``tags`` by which tags policies decide; ``selectors`` says which events
a selector selects. Pure. May import ``review.access``, ``review.objections`` and ``review.template``.
Open ``table.py`` first.
"""
