"""Periods and gaps. Mirrors ``verify.integrity.timeline``."""
