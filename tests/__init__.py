"""Tests: ``cdk``, ``verify``, ``lab``, ``securetrail`` and ``tools`` mirror the folders that they test.

``end_to_end`` needs them all.

A test file runs alone and in any order, and may import every part. What several files need stands in the
``conftest.py`` of their folder or in a module without ``test_`` in front.
Open ``test_architecture.py`` first: it holds the rules of docs/architecture.md.
"""
