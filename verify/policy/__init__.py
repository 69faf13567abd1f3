"""IAM's policy language: a policy as text and one request in, what the policy decides about the request out.

Pure; knows nothing of CloudTrail. May import nothing.
What cannot be decided from the text is neither yes nor no, but undecided, with the reason (``ternary``).

Open ``evaluation`` first, then ``document``, which reads a policy, and ``conditions``, which has the operators.
"""
