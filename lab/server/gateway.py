"""Every HTTP request to the lab: authenticated, served by MiniStack, and recorded.

An ASGI application around MiniStack's own. `authentication` says who may call, `signatures` verifies who signed what.
"""

import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from lab.confinement.decompression import TooLarge, check_decompressed_size
from lab.delivery.room import NoRoom, Room
from lab.handshake import SOURCE_HEADER, SOURCE_MAC_HEADER, root_secret, source_mac
from lab.ministack import core, entries, iam, sts
from lab.protocol import exact
from lab.protocol.answer import Answer
from lab.protocol.asgi import SIGNED_BY, Application, Message, Receive, Send, as_read, headers_of, send_answer
from lab.protocol.decode import MAX_BODY_BYTES, Call, decode, inflated
from lab.protocol.request import FORM_TYPE, CredentialScope, Request, is_form_type
from lab.records.record import Origin
from lab.records.recorder import Recorder, current_origin
from lab.server import authentication, bodies, routing, signatures
from lab.server.bodies import Body, Busy, Unverified
from lab.server.callers import caller
from lab.server.exchange import Exchange
from lab.server.pages import OwnPages, json_answer
from lab.server.signatures import AuthFailure, Key, Signature
from lab.settings import GLOBAL, is_region

# Called with a call, its request with the body, its signature and its origin.
Authorize = Callable[[Call, Request, Signature, Origin], Answer | None]

_ACCOUNT = re.compile("[0-9]{12}")
_USUAL_TYPES = frozenset({FORM_TYPE, f"{FORM_TYPE}; charset=utf-8"})
_NOT_HERE = {"message": "The lab has no such page. It serves calls of AWS's APIs that are signed with its keys."}

_TOO_LONG = {
    "message": f"The path of the request has more than {routing.MAX_PATH_BYTES:,} bytes, which no API of AWS takes."
}


class Gateway:
    """Serves requests through an inner application and records those that are AWS calls."""

    def __init__(
        self,
        inner: Application,
        recorder: Recorder,
        lab_time: Callable[[float], datetime],
        pages: OwnPages,
        *,
        room: Room,
        authorize: Authorize,
        secret: str,
    ) -> None:
        """:param authorize: gives the error for a call that its caller may not make, and None for one that it may.
        :param lab_time: the lab's time at a moment of this machine's clock (epoch seconds).
        :param pages: the lab's own pages.
        :param room: on the disk, for what calls leave.
        :param secret: the lab's own, from which the keys of accounts follow.
        """
        self._inner = inner
        self._recorder = recorder
        self._lab_time = lab_time
        self._room = room
        self._authorize = authorize
        self._secret = secret
        self._pages = pages
        self._unverified = Unverified()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = headers_of(scope["headers"])
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], path, query, headers, b"")
        if len(path) > routing.MAX_PATH_BYTES:
            await send_answer(send, json_answer(414, _TOO_LONG))
        elif not routing.is_from_this_machine(headers):
            await send_answer(send, json_answer(403, {"message": "The lab answers only programs on this machine."}))
        elif not routing.is_for_port(headers.get("host", ""), scope["server"][1]):
            await send_answer(send, authentication.other_port_error(request, scope["server"][1]))
        elif page := self._pages.page_for(request):
            await send_answer(send, await self._pages.answer(page, request))
        elif routing.is_open_page(request.method, path, query, headers):
            await self._inner(scope, receive, send)
        else:
            try:
                await self._serve_call(request, scope, receive, send)
            except bodies.Gone:
                return
            finally:
                entries.end_call()

    async def _serve_call(self, request: Request, scope: Message, receive: Receive, send: Send) -> None:
        entries.begin_call()
        found = signatures.signature_of(request)
        service = found.service if isinstance(found, Signature) else "s3"
        address = routing.ministack_address(scope["path"], request.headers.get("host", ""), service)
        if request.method not in routing.METHODS or address is None or not routing.is_a_call(address[0], service):
            await send_answer(send, json_answer(404, _NOT_HERE))
            return
        if isinstance(found, AuthFailure):
            await send_answer(send, authentication.authentication_error(request, None, found))
            return
        headers = request.headers
        request = replace(request, scope=CredentialScope(found.access_key_id, found.region, found.service))
        try:
            body = await self._authenticated(request, found, receive)
        except TooLarge as error:
            body = authentication.too_large_error(request, found, error.limit_bytes)
        except Busy:
            body = authentication.busy_error(request, found)
        if isinstance(body, Body) and not _is_one_call(request, body, service):
            body = authentication.two_calls_error(request, found)
        if not isinstance(body, Body):
            await send_answer(send, body)
            return
        if service == "s3":
            request = exact.with_headers_of_query(request) or request
        origin = self._origin(request, found, scope)
        current_origin.set(origin)
        size_bytes = len(body.content)
        # What a call asks for may stand at the end of its body; an object of S3 is in no body that is looked at.
        most_bytes = MAX_BODY_BYTES if service == "s3" else bodies.MAX_CALL_BYTES
        whole = replace(request, body=body.start(most_bytes), body_is_cut=size_bytes > most_bytes)
        call = decode(whole, most_bytes)
        call = call and call.read_once()
        # The record of a long one of S3 is made of the part that the exchange keeps.
        is_kept = size_bytes <= MAX_BODY_BYTES or service != "s3"
        record = partial(self._recorder.record, origin=origin, call=call if is_kept else None)
        not_saved = partial(authentication.not_saved_error, request, found)
        exchange = Exchange(request, body.again(receive), send, record, not_saved=not_saved, is_for_s3=service == "s3")
        try:
            with self._room.for_call(size_bytes):
                if refused := await self._refused(exchange, call, whole, found, origin):
                    await bodies.pass_by(exchange.receive)
                    await send_answer(exchange.send, refused)
                    return
                known = call if size_bytes <= MAX_BODY_BYTES and _is_read_alike(request, service) else None
                inner_scope = {
                    **_ministack_scope(as_read(scope, headers, known), *address, found),
                    SIGNED_BY: request.scope,
                }
                entries.begin_call()  # deciding about it has changed nothing
                await self._carry_out(inner_scope, exchange)
        except NoRoom as error:
            await send_answer(send, authentication.no_room_error(request, found, str(error)))

    async def _refused(
        self, exchange: Exchange, call: Call | None, whole: Request, found: Signature, origin: Origin
    ) -> Answer | None:
        if call is None:
            return authentication.unknown_call_error(whole, found)
        if unknown := call.unknown_fields():
            return authentication.unknown_field_error(whole, found, unknown[0])
        try:
            return self._authorize(call, whole, found, origin) or exact.error_of(call, whole, origin.account)
        except Exception:
            await bodies.pass_by(exchange.receive)
            exchange.record()
            raise

    async def _carry_out(self, scope: Message, exchange: Exchange) -> None:
        try:
            await self._inner(scope, exchange.receive, exchange.send)
        except Exception:
            exchange.record()
            raise

    async def _authenticated(self, request: Request, found: Signature, receive: Receive) -> Body | Answer:
        """The body of an authenticated request, or the error for any other one.

        :raises TooLarge: the body is too large.
        :raises Busy: other requests take the memory that there is for such bodies.
        """
        iam.set_account_of_caller(found.access_key_id)
        key = self._key(found.access_key_id)
        bucket = routing.bucket_of_host(request.headers["host"]) if found.is_for_s3 else ""
        failure = signatures.check_head(request, found, key, bucket, time.time())
        if failure is None and found.region and not is_region(found.region):
            failure = AuthFailure.REGION_UNKNOWN
        if failure is not None or key is None:
            return authentication.authentication_error(request, found, failure or AuthFailure.UNKNOWN_KEY)
        limit = bodies.limit_bytes(found.service, is_for_s3=found.is_for_s3)
        if signatures.is_head_enough(request, found):
            body = await bodies.read_body(request, receive, limit)
            failure = signatures.check_body(request, found, key, body.sha256, body.whole)
        else:
            with self._unverified.share() as count:
                body = await bodies.read_body(request, receive, limit, count)
                failure = signatures.check_body(request, found, key, body.sha256, body.whole)
        if failure is not None:
            return authentication.authentication_error(request, found, failure)
        if authentication.may_be_decompressed(request, found):
            check_decompressed_size([body.content], limit)
        return body

    def _origin(self, request: Request, signed: Signature, scope: Message) -> Origin:
        core.set_region_of_request(signed.region if signed.region != GLOBAL else "")  # '' is the lab's own
        account = core.account_of_request()
        who = caller(signed.access_key_id, account, self._lab_time)
        address = self._source_address(request.headers, signed, scope)
        user_agent = request.headers.get("user-agent", "")
        tags = sts.handed_on_by(signed.access_key_id).tags
        return Origin(account, core.region_of_request(), who.username, who.user_identity, address, user_agent, tags)

    def _source_address(self, headers: Mapping[str, str], signed: Signature, scope: Message) -> str:
        """The caller's address, which is this machine's, unless a scenario of the lab's own says another one."""
        address = headers.get(SOURCE_HEADER)
        if address is not None:
            expected = source_mac(self._secret, signed.access_key_id, address)
            if hmac.compare_digest(expected.encode(), headers.get(SOURCE_MAC_HEADER, "").encode()):
                return address
        return str((scope.get("client") or ("127.0.0.1",))[0])

    def _key(self, access_key_id: str) -> Key | None:
        """The secret half of an access key; the number of an account is the key of its root."""
        if _ACCOUNT.fullmatch(access_key_id):
            return Key(root_secret(self._secret, access_key_id))
        found = iam.secret_of_access_key(access_key_id)
        return Key(*found) if found else None


def _is_read_alike(request: Request, service: str) -> bool:
    """Whether what stands around MiniStack reads the same body as the gateway: not where MiniStack gets another one."""
    return service != "s3" and "content-encoding" not in request.headers


def _is_one_call(request: Request, body: Body, service: str) -> bool:
    if not routing.is_one_call(request, service):
        return False
    if service == "s3" and exact.with_headers_of_query(request) is None:
        return False
    if not routing.is_read_as_form(request, service, has_body=bool(body.content)):
        return False
    if service == "s3" or not (request.is_form() or "Action" in request.query_fields()):
        return True
    if "content-encoding" not in request.headers:
        return routing.has_one_value_of_each(request, body.content)
    found = inflated(replace(request, body=body.whole()), bodies.MAX_CALL_BYTES)
    return routing.has_one_value_of_each(request, found.body)


def _ministack_scope(scope: Message, path: str, host: str, signature: Signature) -> Message:
    """A request as MiniStack takes it: it looks for the service of a call in the Authorization header first."""
    is_same_host = host == dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    authorization = _plain_authorization(signature)
    is_usual = _has_usual_type(scope, signature.service)
    if path == scope["path"] and is_same_host and authorization is None and is_usual:
        return scope
    headers = [(name, host.encode() if name == b"host" else value) for name, value in scope["headers"]]
    if authorization is not None:
        headers = [each for each in headers if each[0] != b"authorization"]
        headers.append((b"authorization", authorization.encode()))
    if not is_usual:
        headers = [each for each in headers if each[0] != b"content-type"]
        headers.append((b"content-type", FORM_TYPE.encode()))
    before = path.removesuffix(scope["path"])
    return {**scope, "path": path, "raw_path": before.encode() + scope["raw_path"], "headers": headers}


def _has_usual_type(scope: Message, service: str) -> bool:
    """Whether no word in the Content-Type of a form, such as its case, makes MiniStack take it for something else."""
    types = {value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"}
    return types <= _USUAL_TYPES or not routing.has_forms(service) or not all(map(is_form_type, types))


def _plain_authorization(signature: Signature) -> str | None:
    """The header in which MiniStack finds who calls which service, for a verified signature that it finds elsewhere or
    cannot read; None when MiniStack does not need it. S3 takes a region for one that the bucket must be in.
    """
    is_told = signature.is_presigned if signature.region else not signature.is_for_s3
    if not is_told:
        return None
    scope = f"{signature.date}/{signature.region or core.region_of_request()}/{signature.service}/aws4_request"
    credential = f"AWS4-HMAC-SHA256 Credential={signature.access_key_id}/{scope}"
    return f"{credential}, SignedHeaders=host, Signature=verified"
