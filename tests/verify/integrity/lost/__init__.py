"""Who changed files. Mirrors ``verify.integrity.lost``."""
