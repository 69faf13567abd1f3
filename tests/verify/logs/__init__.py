"""Tests of the log files as a table."""
