"""Reports. Mirrors ``verify.report``."""
