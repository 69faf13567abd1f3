"""What `python -m lab env` prints when it has no lab to name: settings with which no call reaches anything.

The shell that evaluates them may hold the keys of a real account, and the next command that is pasted into it is meant
for the lab: it must not reach that account. Any Python from 3.6 can read this module, so that `lab/__main__.py` can
print these settings under an old Python too.
"""

import re

# Nobody listens there, no certificate is trusted, no file has a profile, and the keys are none.
VARIABLES = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "no-lab",
    "AWS_SECRET_ACCESS_KEY": "no-lab",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_CA_BUNDLE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_PAGER": "",
}


def lines_for_any_shell(names: "list[str]") -> "list[str]":
    """The lines for bash, dash, zsh and fish alike, which have no common way to unset a variable: each that may name
    another endpoint gets the address where nobody listens. The last line makes the `eval` of these lines fail.

    :param names: names of the shell's variables.
    """
    found = dict(VARIABLES, AWS_SESSION_TOKEN="", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="false")
    for name in names:
        if re.match("AWS_ENDPOINT_URL_[A-Za-z0-9_]+$", name):
            found[name] = VARIABLES["AWS_ENDPOINT_URL"]
    return [f"export {name}='{found[name]}'" for name in sorted(found)] + ["false"]
