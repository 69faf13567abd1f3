"""Arguments: refused by name before any resource is made, with the value, what is allowed and the fix.

May import ``aws_cdk`` and ``constructs``. It needs no other folder, so that every other folder can use it.
Open ``props.py`` first: it checks all props of a ``SecureTrail``. ``naming.py``, ``retention.py`` and
``existing_resources.py`` hold AWS's rules for names, periods and resources that exist; ``argument_types.py`` the types.
"""
