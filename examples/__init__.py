"""Small apps to start from. Each is one file: ``cdk synth --app "python -m examples.lab"``."""
