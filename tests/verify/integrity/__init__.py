"""The validation of log files and digests. Mirrors ``verify.integrity``."""
