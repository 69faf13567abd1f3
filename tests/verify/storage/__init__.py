"""Object stores. Mirrors ``verify.storage``."""
