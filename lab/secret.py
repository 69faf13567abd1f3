"""The secret of one lab, made when it is started: who can read the lab's folder has it, and nobody else.

It is never sent. Whatever must prove that it is known is derived from it (HMAC, https://www.rfc-editor.org/rfc/rfc2104).
"""

import hashlib
import hmac
import secrets


def new_secret() -> str:
    """A secret of 32 random bytes, in hexadecimal."""
    return secrets.token_hex(32)


def derived(secret: str, *purpose: str) -> str:
    """What follows from a secret for one purpose: 64 hexadecimal digits.

    :param purpose: texts without line breaks.
    """
    return hmac.digest(secret.encode(), "\n".join(purpose).encode(), hashlib.sha256).hex()


def root_secret(secret: str, account: str) -> str:
    """The secret access key of an account's root; its access key id is the account's number."""
    return derived(secret, "root", account)
