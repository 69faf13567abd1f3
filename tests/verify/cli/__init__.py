"""The command line, from its arguments to its exit code. Mirrors ``verify.cli``."""
