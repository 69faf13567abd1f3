"""Small apps to start from. Each is one file: ``cdk synth --app "python -m examples.lab"``.

They import only what ``constructs_lib`` makes public, and ``aws_cdk``, as an app of your own would.
Open ``lab.py`` first; ``compliance.py`` and ``organization.py`` are for accounts that are audited.
"""
