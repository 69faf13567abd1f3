"""Answers, files and folders made to break the verifier, or to keep it from its end."""
