"""Only this machine: the one rule that keeps the lab away from real accounts."""

import ipaddress
from urllib.parse import urlsplit

from lab.errors import LabError


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine: `localhost`, 127.0.0.0/8 or ::1. Nothing is resolved."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_loopback(endpoint: str) -> str:
    """Returns the endpoint URL unchanged when its host is this machine.

    :raises LabError: the URL is not http(s), carries a user name, or names any other host.
    """
    try:
        url = urlsplit(endpoint)
        host = url.hostname
        url.port  # noqa: B018 - raises for a port that is not a number
    except ValueError as error:
        raise LabError(f"The endpoint {endpoint!r} is not a URL ({error}).") from error
    if url.scheme in ("http", "https") and url.username is None and host is not None and is_loopback(host):
        return endpoint
    raise LabError(
        f"The lab rejects the endpoint {endpoint!r}: it may only talk to this machine "
        "(http://127.0.0.1:PORT, http://[::1]:PORT or http://localhost:PORT)."
    )
