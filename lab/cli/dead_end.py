"""What `python -m lab env` prints when it cannot lead to the lab: lines that lead nowhere.

The shell that takes its lines may hold the keys of a real account, and the next command that is pasted into it is meant
for the lab. Any Python from 3.6 can read this module, so that `lab/__main__.py` can fail closed under an old one.
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
    """The lines for bash, dash, zsh and fish alike, which have no common way to forget a variable: what may name
    another endpoint is led to the same dead end. The last line makes what takes the lines fail.

    :param names: names of the shell's variables.
    """
    found = dict(VARIABLES, AWS_SESSION_TOKEN="", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="false")
    for name in names:
        if re.match("AWS_ENDPOINT_URL_[A-Za-z0-9_]+$", name):
            found[name] = VARIABLES["AWS_ENDPOINT_URL"]
    return [f"export {name}='{found[name]}'" for name in sorted(found)] + ["false"]
