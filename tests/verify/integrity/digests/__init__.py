"""Digest files and signatures. Mirrors ``verify.integrity.digests``."""
