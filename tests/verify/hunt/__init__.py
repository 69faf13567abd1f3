"""Tests of the hunt for known attacks."""
