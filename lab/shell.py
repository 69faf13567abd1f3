"""What `eval "$(python -m lab env)"` runs in a learner's shell."""

import re
import shlex
from collections.abc import Iterable, Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def shell_lines(variables: Mapping[str, str], current: Iterable[str]) -> list[str]:
    """Lines for a POSIX shell: forget every AWS and proxy variable of `current`, then set the lab's own."""
    inherited = sorted(name for name in current if _leads_elsewhere(name) and name not in variables)
    unset = [f"unset {' '.join(inherited)}"] if inherited else []
    return unset + [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def _leads_elsewhere(name: str) -> bool:
    is_proxy = name.upper() in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return bool(_NAME.fullmatch(name)) and (name.startswith("AWS_") or is_proxy)
