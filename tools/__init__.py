"""Programs around the project: what a change deploys (``make review``), taking a deployed stack away, and the
tree of modules in the architecture.

May import ``boto3``, ``botocore``, ``cfnlint``, ``constructs_lib``, ``lab`` and ``yaml``. Nothing imports them.
Open ``review.py`` first, or ``destroy.py`` for ``make destroy``.
"""
