"""What a learner may ask of a running lab that AWS has no call for: its status, deliver now, let time pass."""

import hmac
import http.client
import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from lab.errors import LabError
from lab.handshake import (
    ADVANCE,
    DELIVER,
    INSTANCE_CREDENTIALS,
    KEEP_SAMPLES,
    MAC_HEADER,
    REPEAT,
    SIGN_IN,
    answer_mac,
    request_mac,
)
from lab.instance.folder import Lab

_MAX_ANSWER_BYTES = 1024 * 1024
_ANSWER_SECONDS = 600.0  # days of digests in several regions


def ask_page(lab: Lab, method: str, target: str, timeout_seconds: float) -> tuple[int, dict[str, Any]]:
    """Asks a page of a running lab: the HTTP status and the content of the answer.

    :param target: the page's path, and a query string if it takes one.
    :raises OSError: there is no answer.
    :raises http.client.HTTPException: who answers does not speak HTTP.
    :raises LabError: who answers does not know the lab's secret.
    """
    nonce, now = secrets.token_hex(16), str(int(time.time()))
    mac = request_mac(lab.secret, lab.instance, method, target, now, nonce)
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=timeout_seconds)
    try:
        connection.request(method, target, headers={MAC_HEADER: f"{now}:{nonce}:{mac}"})
        response = connection.getresponse()
        body = response.read(_MAX_ANSWER_BYTES)
    finally:
        connection.close()
    expected = answer_mac(lab.secret, nonce, response.status, body)
    if not lab.secret or not hmac.compare_digest(response.headers.get(MAC_HEADER, "").encode(), expected.encode()):
        raise LabError(f"The program that answers at {lab.endpoint} is not this lab. See: python -m lab status")
    content: dict[str, Any] = json.loads(body)
    return response.status, content


def deliver(lab: Lab) -> datetime:
    """Delivers everything that waits and ends every digest's period; the lab's time then.

    :raises LabError: the lab does not answer, or rejects.
    """
    return _post(lab, DELIVER)


def advance(lab: Lab, seconds: float) -> datetime:
    """Lets lab time pass, with all deliveries on the way; the lab's time then.

    :raises LabError: the lab does not answer, or its clock cannot go that far.
    """
    return _post(lab, f"{ADVANCE}?{urlencode({'seconds': seconds})}")


def keep_samples(lab: Lab, access_keys: Iterable[str]) -> None:
    """From now on the lab keeps the calls of these access keys, so that `repeat` can record more like them.

    :raises LabError: the lab does not answer.
    """
    _answer(lab, f"{KEEP_SAMPLES}?{urlencode({'keys': ','.join(access_keys)})}")


def repeat(lab: Lab, events: int, seconds: float, seed: int) -> datetime:
    """Records calls like the kept ones while lab time passes, with all deliveries on the way; the lab's time then.

    :param events: how many.
    :param seconds: how much lab time they are spread over; 0 for now.
    :raises LabError: the lab does not answer, keeps no calls, has no room, or its clock cannot go that far.
    """
    return _post(lab, f"{REPEAT}?{urlencode({'events': events, 'seconds': seconds, 'seed': seed})}")


def instance_credentials(lab: Lab, role_arn: str, instance: str) -> dict[str, str]:
    """The credentials that an instance of a role has: `AccessKeyId`, `SecretAccessKey` and `SessionToken`.

    :raises LabError: the lab does not answer, or EC2 may not assume the role.
    """
    fields = urlencode({"role": role_arn, "instance": instance, "region": lab.region})
    content = _answer(lab, f"{INSTANCE_CREDENTIALS}?{fields}")
    return {name: str(value) for name, value in content["credentials"].items()}


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody signs in to the console: an IAM user, or the root when `user` is ''. With `role` (an ARN) they switch to
    that role instead. `address` is where they are.
    """

    account: str
    user: str = ""
    role: str = ""
    address: str = "127.0.0.1"
    uses_mfa: bool = False
    fails: bool = False


def sign_in(lab: Lab, who: SignIn) -> str:
    """Records a sign-in or a switch; its event and result, such as `ConsoleLogin: Success`.

    :raises LabError: the lab does not answer, or there is no such user, password, device or role.
    """
    fields = {"account": who.account, "region": lab.region, "address": who.address}
    fields |= {name: value for name, value in (("user", who.user), ("role", who.role)) if value}
    fields |= {name: "1" for name, is_set in (("mfa", who.uses_mfa), ("fails", who.fails)) if is_set}
    content = _answer(lab, f"{SIGN_IN}?{urlencode(fields)}")
    return f"{content['event']}: {content['result']}"


def _post(lab: Lab, page: str) -> datetime:
    return datetime.fromisoformat(_answer(lab, page)["now"])


def _answer(lab: Lab, page: str) -> dict[str, Any]:
    try:
        status, content = ask_page(lab, "POST", page, _ANSWER_SECONDS)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LabError(f"The lab at {lab.endpoint} does not answer ({error}). See: python -m lab status") from error
    if status != 200:
        raise LabError(str(content.get("message", content)))
    return content
