"""Programs around the project: taking a deployed stack away, and writing and running pages of the documentation.

May import ``boto3``, ``botocore``, ``lab``, ``msgspec``, ``rich``, ``securetrail``, ``verify`` and ``yaml``. Nothing
imports them.
Open ``destroy.py`` first, for ``make destroy``; ``review.sh`` is what ``make review`` runs.
"""
