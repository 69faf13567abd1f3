"""Services that the lab does not have say so, in their own protocol, instead of with something that looks like AWS."""

from urllib.parse import urlencode

from lab.ministack import core
from lab.ministack.core import ServiceHandler
from lab.protocol import catalogue
from lab.protocol.answer import Answer, error_answer
from lab.protocol.decode import decode
from lab.protocol.request import Request


def install() -> None:
    """Registers an answer for every service that botocore knows and MiniStack does not."""
    names = {name for each in catalogue.services() for name in (each.signing_name, each.name)}
    core.set_known_service_names(frozenset(names))
    for name in names:
        core.service_handlers.setdefault(name, _absent(name))


def _absent(service: str) -> ServiceHandler:
    async def answer(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Answer:
        call = decode(Request(method, path, urlencode(query, doseq=True), headers, body))
        return refusal(service, call.protocol if call else "rest-json")

    return answer


def refusal(service: str, protocol: str) -> Answer:
    """The error that says that a service is not part of the lab."""
    message = f"{service} is not part of the lab. Use an AWS account to try it."
    return error_answer(service, protocol, 501, "ServiceNotAvailable", message)
