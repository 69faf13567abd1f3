"""Verdicts about time, and why some of it has no digest. Pure."""
