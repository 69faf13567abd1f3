"""Nothing but HTTP/1.1, one request of a connection at a time: in HTTP/2, one connection brings a hundred.

AWS's own endpoints for SDKs, and the SDKs, speak HTTP/1.1, except where they stream.
"""

from typing import Any

from hypercorn.protocol.h11 import H11Protocol


def speak_no_http2() -> None:
    """From here on, hypercorn takes neither an upgrade to HTTP/2 nor a connection that begins with it; without TLS, it
    has no setting for that.
    """

    async def stay(_self: Any, _request: Any) -> None:
        pass

    protocol: Any = H11Protocol
    protocol._check_protocol = stay  # noqa: SLF001
