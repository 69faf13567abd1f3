import socket
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.instance.listening import listening_socket


def test_the_port_is_none_that_this_machine_gives_to_an_outgoing_connection() -> None:
    """Such a port is lost to a lab that was killed: the next connection of any client may leave from it."""
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split())
    for _ in range(50):
        with listening_socket(None) as listener:
            assert not first <= listener.getsockname()[1] <= last


def test_it_listens_on_this_machine_alone() -> None:
    with listening_socket(None) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_two_do_not_share_a_port() -> None:
    with listening_socket(None) as first:
        port = first.getsockname()[1]
        with pytest.raises(LabError, match=rf"cannot listen on 127\.0\.0\.1:{port} .*Leave --port out"):
            listening_socket(port)


def test_a_port_left_by_one_is_free_for_the_next() -> None:
    with listening_socket(None) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            first.accept()[0].close()
    with listening_socket(port) as again:
        assert again.getsockname()[1] == port


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_rejected(port: int) -> None:
    with pytest.raises(LabError, match="cannot listen"):
        listening_socket(port)
