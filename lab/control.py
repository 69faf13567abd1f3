"""What a learner may ask of a running lab that AWS has no call for: deliver now, let time pass."""

import http.client
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from lab.errors import LabError
from lab.state import Lab

_ANSWER_SECONDS = 600.0  # days of digests in several regions


def deliver(lab: Lab) -> datetime:
    """Delivers everything that waits and ends every digest's period; the lab's time then.

    :raises LabError: the lab does not answer, or refuses.
    """
    return _post(lab, "/_lab/deliver")


def advance(lab: Lab, seconds: float) -> datetime:
    """Lets lab time pass, with all deliveries on the way; the lab's time then.

    :raises LabError: the lab does not answer, or its clock cannot go that far.
    """
    return _post(lab, f"/_lab/advance?{urlencode({'seconds': seconds})}")


def _post(lab: Lab, page: str) -> datetime:
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("POST", page)
        response = connection.getresponse()
        content: dict[str, Any] = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LabError(f"The lab at {lab.endpoint} does not answer ({error}). See: python -m lab status") from error
    finally:
        connection.close()
    if response.status != 200:
        raise LabError(str(content.get("message", content)))
    return datetime.fromisoformat(content["now"])
