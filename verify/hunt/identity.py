"""Who made a call, and who stood behind them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final

_INSTANCE: Final = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_MAX_CHAIN = 10
_NETWORK_BITS: Final = {4: 24, 6: 48}


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller, as ``userIdentity`` describes them.

    :param principal: the role's ARN, else the user's, else the service or the account.
    :param session: the name of a role's session.
    :param key: the access key's id.
    :param is_instance: whether an instance's role is used with credentials of its metadata service.
    """

    type: str
    principal: str
    session: str
    key: str
    account: str
    is_instance: bool


_NOBODY = Identity("", "unknown", "", "", "", is_instance=False)


def identity_of(caller: Any) -> Identity:
    """The caller by an event's light ``userIdentity``."""
    if not caller:
        return _NOBODY
    kind = caller.type or ""
    session = (caller.principalId or "").partition(":")[2] if kind in ("AssumedRole", "FederatedUser") else ""
    is_instance = kind == "AssumedRole" and _INSTANCE.fullmatch(session) is not None
    return Identity(kind, principal_of(caller), session, caller.accessKeyId or "", caller.accountId or "", is_instance)


def principal_of(caller: Any) -> str:
    """Who an event's light ``userIdentity`` says it was."""
    if not caller:
        return "unknown"
    context = caller.sessionContext
    issuer = context.sessionIssuer if context else None
    found = (issuer.arn if issuer else None) or caller.arn or caller.invokedBy or caller.principalId or caller.accountId
    return found or "unknown"


def network_of(address: str) -> str:
    """The network of an address; ``""`` of what is none, such as the name of a service that called."""
    if not address or not (address[0].isdigit() or ":" in address):
        return ""
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network(f"{found}/{_NETWORK_BITS[found.version]}", strict=False))


@dataclass(frozen=True, slots=True)
class Issued:
    """Credentials that were handed out.

    :param to: who asked for them.
    :param session: of a role's session, its name.
    """

    to: str
    to_key: str
    session: str
    address: str
    event: str


def chain_of(key: str, issued: Mapping[str, Issued]) -> tuple[Issued, ...]:
    """How the holder of a key came by it, back to the first one that is known."""
    chain: list[Issued] = []
    seen = {key}
    while (step := issued.get(key)) is not None and len(chain) < _MAX_CHAIN:
        if step.to.endswith(".amazonaws.com"):
            break  # the service only handed them to an instance or a function
        chain.append(step)
        key = step.to_key
        if key in seen:
            break
        seen.add(key)
    return tuple(chain)
