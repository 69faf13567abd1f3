"""GetBucketRequestPayment under its own name: MiniStack looks for another one, and answers with a listing.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html
"""

from lab.protocol.asgi import Application, Message, Receive, Send

_OWN = b"requestPayment"
_OF_MINISTACK = b"request-payment"


class RequestPayment:
    """Passes everything on to an inner application, that one call under MiniStack's name."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] == "http" and scope["method"] == "GET":
            words = scope["query_string"].split(b"&")
            if any(word.partition(b"=")[0] == _OWN for word in words):
                scope = {**scope, "query_string": scope["query_string"].replace(_OWN, _OF_MINISTACK, 1)}
        await self._inner(scope, receive, send)
