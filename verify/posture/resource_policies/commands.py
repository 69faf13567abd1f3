"""The fixes that read or write a policy, as commands for the AWS CLI with placeholders.

Writing a policy replaces it whole, so that a command with a placeholder of :data:`READ_INSTEAD` is only for a policy
whose current statements are known; for any other the fix is to read it.
"""

from __future__ import annotations

import shlex

READ_BUCKET_POLICY = "{aws} s3api get-bucket-policy --bucket {bucket} --query Policy --output text"
READ_KEY_POLICY = "{aws} kms get-key-policy --key-id {key} --policy-name default --query Policy --output text"
# With ``name`` for the access point, as :func:`shell_word` gives it.
READ_ACCESS_POINT_POLICY = (
    "{{aws_by_name}} s3control get-access-point-policy --account-id {{account}} --name {name}"
    " --query Policy --output text"
)
READ_MULTI_REGION_POLICY = (
    "{{aws_by_name}} s3control get-multi-region-access-point-policy --account-id {{account}} --name {name}"
    " --query Policy.Established.Policy --output text"
)
_PUT_BUCKET_POLICY = "{{aws}} s3api put-bucket-policy --bucket {{bucket}} --policy {{{document}}}"
_PUT_KEY_POLICY = "{{aws}} kms put-key-policy --key-id {{key}} --policy-name default --policy {{{document}}}"
# Adds what is missing, and takes nothing away.
PUT_BUCKET_POLICY = _PUT_BUCKET_POLICY.format(document="bucket_policy")
PUT_KEY_POLICY = _PUT_KEY_POLICY.format(document="key_policy")
# Replaces grants to any trail by grants to this trail.
_CAUTION = "  # when no other trail of yours relies on it"
BIND_BUCKET_POLICY = _PUT_BUCKET_POLICY.format(document="bound_bucket_policy") + _CAUTION
BIND_KEY_POLICY = _PUT_KEY_POLICY.format(document="bound_key_policy") + _CAUTION

# The placeholder of a written policy → the command that reads the current one.
READ_INSTEAD = {
    "bucket_policy": READ_BUCKET_POLICY,
    "bound_bucket_policy": READ_BUCKET_POLICY,
    "key_policy": READ_KEY_POLICY,
    "bound_key_policy": READ_KEY_POLICY,
}


def narrow(read: str, statement: str) -> str:
    """The command that shows the policy, with a comment about the statement that denies the request.

    :param statement: its Sid, which is somebody else's text: on one line, because a comment ends with it, and quoted,
        because not every shell knows comments.
    """
    return f"{read}  # then remove or narrow statement {shell_word(statement)}"


def shell_word(text: str) -> str:
    """Somebody else's text as one word of a shell, for a command that is yet to be formatted."""
    line = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return shlex.quote(line).replace("{", "{{").replace("}", "}}")
