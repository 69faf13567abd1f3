"""GetBucketRequestPayment under its own name: MiniStack looks for another one, and answers with a listing.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html
"""

from urllib.parse import unquote_plus

from lab.protocol.asgi import Application, Message, Receive, Send

_OWN = "requestPayment"
_OF_MINISTACK = b"request-payment"


def _is_own(word: bytes) -> bool:
    return unquote_plus(word.partition(b"=")[0].decode("latin-1")) == _OWN


class RequestPayment:
    """Passes everything on to an inner application, that one call under MiniStack's name."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] == "http" and scope["method"] == "GET":
            words = scope["query_string"].split(b"&")
            if any(map(_is_own, words)):
                changed = [_OF_MINISTACK if _is_own(word) else word for word in words]
                scope = {**scope, "query_string": b"&".join(changed)}
        await self._inner(scope, receive, send)
