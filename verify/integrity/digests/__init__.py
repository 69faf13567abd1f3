"""Digest files, their signatures and the chain that they form.

Pure: no I/O and no clock. May import ``cryptography``, ``integrity.origin``, ``integrity.timeline``, ``msgspec`` and
``storage``. ``digest`` parses a file, ``public_keys`` verifies signatures, ``digest_file`` judges one file by its
signature.

Open ``chain`` first: it walks a chain from the newest digest to the oldest.
"""
