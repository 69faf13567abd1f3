"""What each resource protects, as values that can be ordered: a trail's selectors, days of retention, an alarm's targets.

``table`` has the controls, ``values`` the orders, ``compare`` says what is lost or weaker. Pure; may import ``template``.
Open ``table.py`` first.
"""
