"""Who made a call, and who stood behind them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final

from verify.hunt.sigma.prefilter import Which

_INSTANCE: Final = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_MAX_CHAIN = 10
_NETWORK_BITS: Final = {4: 24, 6: 48}


@dataclass(slots=True, eq=False)
class Identity:
    """A caller, as ``userIdentity`` describes them.

    :param which: the rules by what they ask of the caller.
    :param principal: the role's ARN, else the user's, else the service or the account.
    :param session: the name of a role's session.
    :param key: the access key's id.
    :param is_instance: whether an instance's role is used with credentials of its metadata service.
    :param mark: what tells these credentials from others: the key; of an instance, which gets new ones every few hours,
        the role and the instance.
    """

    which: Which
    type: str
    principal: str
    session: str
    key: str
    account: str
    is_instance: bool
    mark: str


def identity_of(values: Any, which: Which) -> Identity:
    """The caller of a record's ``userIdentity``."""
    values = values if isinstance(values, Mapping) else {}
    context = _mapping(values.get("sessionContext"))
    issuer = _mapping(context.get("sessionIssuer"))
    kind = _text(values.get("type"))
    names = (
        issuer.get("arn"),
        values.get("arn"),
        values.get("invokedBy"),
        values.get("principalId"),
        values.get("accountId"),
    )
    session = _text(values.get("principalId")).partition(":")[2] if kind in ("AssumedRole", "FederatedUser") else ""
    principal = next(filter(None, map(_text, names)), "unknown")
    is_instance = kind == "AssumedRole" and _INSTANCE.fullmatch(session) is not None
    key = _text(values.get("accessKeyId"))
    mark = f"{principal}/{session}" if is_instance else key
    return Identity(which, kind, principal, session, key, _text(values.get("accountId")), is_instance, mark)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


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
        chain.append(step)
        key = step.to_key
        if key in seen:
            break
        seen.add(key)
    return tuple(chain)
