"""REST routes of a service: which operation does a method, path and query string mean?"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from os.path import commonprefix
from urllib.parse import parse_qsl, unquote

from botocore.model import OperationModel, ServiceModel

from lab.protocol.catalogue import service_model
from lab.protocol.request import Request

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")
_S3_HOST = re.compile(r"(?P<bucket>.+?)\.(s3[.-]|localhost(:|$))")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation's URI template. Everything in `queries` and `headers` must be present for it to match; every path
    that matches begins with `start`.
    """

    operation: str
    method: str
    start: str
    path: re.Pattern[str]
    labels: tuple[str, ...]
    queries: frozenset[tuple[str, str | None]]
    headers: frozenset[str]
    specificity: tuple[int, int]


@dataclass(frozen=True, slots=True)
class RestMatch:
    """The operation of a request and the text of its path labels, by member name."""

    operation: str
    labels: dict[str, str]
    specificity: tuple[int, int]


def match(service: str, request: Request) -> RestMatch | None:
    """The most specific route of a service that fits the request, or None."""
    path = _s3_path(request) if service == "s3" else request.path
    if not path.startswith(_start(service)):
        return None
    query = {name: values[0] for name, values in request.query_fields().items()}
    routes = _routes(service) if query else _routes_without_query(service)
    for route in routes.get(request.method, ()):
        if not path.startswith(route.start) or (route.queries and not _has_queries(route, query)):
            continue
        found = route.path.fullmatch(path)
        if found is not None and route.headers <= request.headers.keys():
            labels = dict(zip(route.labels, map(unquote, found.groups()), strict=True))
            return RestMatch(route.operation, labels, route.specificity)
    return None


def _has_queries(route: Route, query: dict[str, str]) -> bool:
    return all(name in query and value in (None, query[name]) for name, value in route.queries)


def _s3_path(request: Request) -> str:
    """The path-style path of an S3 request.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    """
    bucket = _bucket_of_host(request.headers.get("host", ""))
    return f"/{bucket}{request.path}" if bucket else request.path


@lru_cache(maxsize=1024)
def _bucket_of_host(host: str) -> str:
    found = _S3_HOST.match(host.lower())
    return found["bucket"] if found else ""


@cache
def _routes(service: str) -> dict[str, list[Route]]:
    """A service's routes by method, most specific first: more literal path, then more required query names and
    headers.
    """
    model: ServiceModel = service_model(service)
    routes = [_route(model.operation_model(name)) for name in model.operation_names]
    found: dict[str, list[Route]] = {}
    for route in sorted(routes, key=lambda route: route.specificity, reverse=True):
        found.setdefault(route.method, []).append(route)
    return found


@cache
def _start(service: str) -> str:
    """What every path of a service begins with."""
    starts = [route.start for routes in _routes(service).values() for route in routes]
    return commonprefix(starts)  # noqa: RUF071 - text, not a path


@cache
def _routes_without_query(service: str) -> dict[str, list[Route]]:
    """The few routes that a request without a query string can mean."""
    return {method: [route for route in routes if not route.queries] for method, routes in _routes(service).items()}


def _route(operation: OperationModel) -> Route:
    template, _, literals = str(operation.http["requestUri"]).partition("?")
    template = template.rstrip("/")
    queries: set[tuple[str, str | None]] = set()
    for name, value in parse_qsl(literals, keep_blank_values=True):
        queries.add((name, value or None))
    headers: set[str] = set()
    members_of_label: dict[str, str] = {}
    shape = operation.input_shape
    for member, member_shape in shape.members.items() if shape else ():
        name = member_shape.serialization.get("name", member)
        location = member_shape.serialization.get("location")
        required = shape is not None and member in shape.required_members
        if location == "uri":
            members_of_label[name] = member
        elif location == "querystring" and required:
            queries.add((name, None))
        elif location == "header" and required:
            headers.add(name.lower())
    labels = tuple(members_of_label.get(label[1], label[1]) for label in _LABEL.finditer(template))
    literal_characters = len(_LABEL.sub("", template))
    return Route(
        operation=operation.name,
        method=str(operation.http["method"]),
        start=template.partition("{")[0],
        path=re.compile(_pattern(template) + "/?"),
        labels=labels,
        queries=frozenset(queries),
        headers=frozenset(headers),
        specificity=(literal_characters, len(queries) + len(headers)),
    )


def _pattern(template: str) -> str:
    parts: list[str] = []
    end = 0
    for label in _LABEL.finditer(template):
        parts.append(re.escape(template[end : label.start()]))
        parts.append("(.+)" if label[2] else "([^/]+)")
        end = label.end()
    return "".join([*parts, re.escape(template[end:])])
