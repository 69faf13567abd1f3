"""What a deployment does to resources: added, changed, replaced, removed; what is renamed, and what follows.

Pure, over resolved resources; which property replaces a resource says CloudFormation's own schema. May import
``cfnlint`` and ``review.template``.
Open ``resources.py`` first.
"""
