"""Digest files, their signatures and the chain that they form.

Pure: no I/O and no clock. May import ``integrity.timeline`` for verdicts and ``storage`` for names and contents of
objects. ``digest`` parses a file, ``public_keys`` verifies signatures, ``digest_file`` judges one file by its
signature.

Open ``chain`` first: it walks a chain from the newest digest to the oldest.
"""
