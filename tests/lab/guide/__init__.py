"""Tests of lab/guide: the parts of the guided lab."""
