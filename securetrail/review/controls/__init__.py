"""What each resource protects, as values that can be ordered: a trail's selectors, days of retention, alarm targets.

``table`` has the controls, ``values`` the orders, ``compare`` says what is lost or weaker. Pure.
May import ``template`` and, for which events a selector selects, the lab's ``lab.delivery.selectors``.
Open ``table.py`` first.
"""
