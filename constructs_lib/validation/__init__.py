"""Arguments: refused by name before any resource is made, with the value, what is allowed and the fix.

May import ``aws_cdk`` and ``constructs``. It needs no other folder, so that every other folder can use it.
Open ``argument_types.py`` first: what each argument may be. ``naming.py``, ``retention.py``, ``tags.py``, ``athena.py``
and ``existing_resources.py`` hold AWS's rules for names, periods, tags, queries and resources that exist;
``renamed.py`` what props were called once; ``possible_texts.py`` what a text becomes at deployment.
"""
