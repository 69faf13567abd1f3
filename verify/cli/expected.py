"""The file that names those who are meant to be able to change the recorder (``--expected``)."""

from __future__ import annotations

import re
from pathlib import Path

from verify.errors import UsageError

# No account has more identities that are meant to do this.
_MAX_FILE_BYTES = 1_000_000
# An identity provider that a trust policy names without an ARN, such as cognito-identity.amazonaws.com.
_PROVIDER = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def read_expected(file: Path) -> tuple[str, ...]:
    """The ARNs of a file of those who are meant to be able to change the recorder.

    :raises UsageError: the file cannot be read, or a line is no ARN.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_FILE_BYTES + 1)
        lines = content.decode().splitlines()
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--expected: {file} cannot be read: {error}") from error
    if len(content) > _MAX_FILE_BYTES:
        raise UsageError(f"--expected: {file} is larger than {_MAX_FILE_BYTES:,} bytes.")
    found = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        # A pattern that fits everything would make every answer a good one.
        is_arn = text.startswith("arn:") and text.count(":") == 5 and text.split(":")[5].strip("*?/")
        if not is_arn and not _PROVIDER.fullmatch(text):
            raise UsageError(
                f"--expected: line {number} of {file} is no identity: {text!r}. Write an ARN, such as "
                "arn:aws:iam::111122223333:role/break-glass; * and ? stand for parts of a name."
            )
        found.append(text)
    return tuple(found)
