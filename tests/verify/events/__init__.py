"""The event history. Mirrors ``verify.events``."""
