"""Stacks: they compose constructs and publish outputs."""
