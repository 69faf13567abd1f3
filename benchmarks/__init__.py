"""What things cost, each measured beside a named peer in the same run (``make bench``).

May import ``botocore``, ``cryptography``, ``lab``, ``securetrail``, ``tests`` and ``verify``. Only tests import them.
Open ``synth.py`` first; each file is named after what it measures, and ``measuring.py`` measures a whole command.
"""
