"""What the two processes of a lab agree on: its secret, what follows from it, and the pages for which one asks.

Both import it, and neither sends the secret: they prove that they know it by message authentication codes (HMAC,
https://www.rfc-editor.org/rfc/rfc2104). A request carries one over its method, its target and a number that is used
once, the answer one over that number and its body. So nobody else can ask, and a program that took over the lab's port
can neither answer for the lab nor use what it was asked.
"""

import hashlib
import hmac
import secrets

STATUS = "/_lab/status"
DELIVER = "/_lab/deliver"
ADVANCE = "/_lab/advance"
SIGN_IN = "/_lab/sign-in"
INSTANCE_CREDENTIALS = "/_lab/instance-credentials"
KEEP_SAMPLES = "/_lab/keep-samples"
REPEAT = "/_lab/repeat"

# In a request: seconds since the epoch, the nonce and the code, with colons between. In an answer: the code.
MAC_HEADER = "x-lab-mac"
# The address that a scenario's call comes from, and the code that proves that the lab's own program says so.
SOURCE_HEADER = "x-lab-source"
SOURCE_MAC_HEADER = "x-lab-source-mac"


def new_secret() -> str:
    """A secret of 32 random bytes, in hexadecimal. Only those who can read the lab's folder have it."""
    return secrets.token_hex(32)


def root_secret(secret: str, account: str) -> str:
    """The secret access key of an account's root; its access key id is the account's number."""
    return _mac(secret, "root", account)


def source_mac(secret: str, access_key_id: str, address: str) -> str:
    """The code with which a caller of the lab's own says that its calls come from another address.

    :param access_key_id: that signs the calls.
    """
    return _mac(secret, "source", access_key_id, address)


def request_mac(secret: str, instance: str, method: str, target: str, seconds: str, nonce: str) -> str:
    """The code of a request for one of the lab's own pages.

    :param target: the page's path, and a query string if it has one.
    :param seconds: when it is made, in seconds since the epoch.
    :param nonce: what no other request has.
    """
    return _mac(secret, "ask", instance, method, target, seconds, nonce)


def answer_mac(secret: str, nonce: str, status: int, body: bytes) -> str:
    """The code of an answer.

    :param nonce: of the request.
    """
    return _mac(secret, "answer", nonce, str(status), hashlib.sha256(body).hexdigest())


def _mac(secret: str, *texts: str) -> str:
    """64 hexadecimal digits. The first text is the purpose; none has a line break."""
    return hmac.digest(secret.encode(), "\n".join(texts).encode(), hashlib.sha256).hex()
