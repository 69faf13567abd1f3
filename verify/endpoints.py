"""Whether the endpoints of the clients that were made are AWS's."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import urlsplit


class Endpoints:
    """Endpoints by service and region; safe to use from several threads. ``regions`` are the names of all regions.

    :param partitions: AWS's partitions, their regions and what their host names end with, as botocore's data has them.
    """

    def __init__(self, partitions: Mapping[str, Any]) -> None:
        outputs = [partition["outputs"] for partition in partitions["partitions"]]
        self._ends = tuple(f".{output[name]}" for output in outputs for name in ("dnsSuffix", "dualStackDnsSuffix"))
        self.regions = sorted(name for partition in partitions["partitions"] for name in partition["regions"])
        self._lock = Lock()
        self._urls: dict[tuple[str, str], str] = {}

    def is_aws(self, url: str) -> bool:
        """Whether the host is AWS's."""
        return (urlsplit(url).hostname or "").rstrip(".").endswith(self._ends)

    def add(self, service: str, region: str, url: str) -> None:
        """Remember the endpoint of a client."""
        with self._lock:
            self._urls[service, region] = url

    @property
    def elsewhere(self) -> str | None:
        """The endpoint that is not AWS's, with its services when others have another one; ``None`` for none."""
        with self._lock:
            made = dict(self._urls)
        services: dict[str, set[str]] = {}
        for (service, _), url in made.items():
            if not self.is_aws(url):
                services.setdefault(url, set()).add(service)
        if len(set(made.values())) == 1:
            return next(iter(services), None)
        return " and ".join(f"{url} (for {', '.join(sorted(names))})" for url, names in services.items()) or None

    @property
    def everywhere(self) -> str | None:
        """The one endpoint that is not AWS and that every client leads to; ``None`` when there is none.

        Only this can go into a command as ``--endpoint-url``; single services the AWS CLI finds in its own settings.
        """
        with self._lock:
            urls = set(self._urls.values())
        return next((url for url in urls if len(urls) == 1 and not self.is_aws(url)), None)


def check_url(url: str) -> None:
    """Refuse an endpoint that botocore cannot use; it would report that nothing answers there.

    :raises ValueError: the URL is not one of HTTP, or its port is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.port == 0:
        raise ValueError(f"{url} is not an endpoint, such as http://127.0.0.1:4566")


def what_to_check(url: str) -> str:
    """What to look at where an endpoint did not answer: on this machine it is the lab's, which is not running any more
    or has another port since.
    """
    host = urlsplit(url).hostname or ""
    if host in ("localhost", "::1") or host.startswith("127."):
        return (
            "Is it the lab's? Then start it (python -m lab up), and lead this shell to it again: "
            'eval "$(python -m lab env)". If not, check --endpoint-url.'
        )
    return "Check the network, --region and --endpoint-url."


def give_up_when_nothing_is_there(
    nothing_there: type[Exception], *, attempts: int, caught_exception: Exception | None, **_: object
) -> None:
    """Try a throttled call six times, but a host that is not found or refuses the connection only twice.

    :param nothing_there: what botocore raises for such a host.
    """
    if isinstance(caught_exception, nothing_there) and attempts >= 2:
        raise caught_exception
