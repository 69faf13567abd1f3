"""What things cost, each measured beside a named peer in the same run (``make bench``).

May import ``botocore``, ``cryptography``, ``lab``, ``securetrail``, ``tests`` and ``verify``. Only tests import them.
Open the file that is named after what is measured, such as ``synth.py`` or ``integrity.py``.
"""
