"""What a deployment does to resources: added, changed, replaced, removed; what is renamed, and what follows.

Pure, over the resolved resources of ``template``; which property replaces a resource says CloudFormation's own schema.
Open ``resources.py`` first.
"""
