"""The socket of the lab: on 127.0.0.1, and on a port that outlives the process that listens on it."""

import random
import socket
import time

from lab.errors import LabError

# Below the ports that Linux (32768 to 60999), macOS and Windows (49152 to 65535) give to outgoing connections. A port
# among those is lost as soon as a lab that was killed leaves it: any connection on this machine may get it next, even
# that of a client which tries to reach the lab. https://www.rfc-editor.org/rfc/rfc6056#section-3.2
_PORTS = range(20000, 32768)
_ATTEMPTS = 100
_POLL_SECONDS = 0.05


def listening_socket(port: int | None, *, wait_seconds: float = 0) -> socket.socket:
    """A listening socket on 127.0.0.1.

    :param port: the port; a free one when None.
    :param wait_seconds: how long to wait for a port that is about to become free.
    :raises LabError: the port is taken or is none.
    """
    if port is not None:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                return _listen(port)
            except LabError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_POLL_SECONDS)
    for candidate in random.sample(_PORTS, _ATTEMPTS):
        try:
            return _listen(candidate)
        except LabError:
            continue  # the port is taken
    return _listen(0)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        raise LabError(
            f"The lab cannot listen on 127.0.0.1:{port} ({error}). Leave --port out to use a free one."
        ) from error
    return listener
