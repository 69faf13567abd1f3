"""An environment for AWS's libraries that leads to no account: invalid credentials, no configuration files."""

from __future__ import annotations

import os

import pytest


def aws_variables(**more: str) -> dict[str, str]:
    """The variables of such an environment.

    :param more: further ones, such as ``AWS_REGION``.
    """
    return {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **more,
    }


def use_clean_aws_environment(monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    """Replace every ``AWS_…`` variable of this process until the test ends.

    :param more: variables beyond those of :func:`aws_variables`.
    """
    # The AWS CLI finds its own data by AWS_DATA_PATH, which it sets when it is imported.
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_DATA_PATH"]:
        monkeypatch.delenv(name)
    for name, value in aws_variables(**more).items():
        monkeypatch.setenv(name, value)
