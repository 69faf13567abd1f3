"""Small apps to start from. Each is one file: ``cdk synth --app "python -m examples.lab"``.

May import ``aws_cdk``, ``boto3``, ``botocore``, ``constructs`` and ``constructs_lib``.
They use only what it makes public, as an app of your own would.
``hunting_image`` is what a function of ``hunting.py`` runs.
Open ``lab.py`` first; ``compliance.py`` and ``organization.py`` are for accounts that are audited.
"""
