"""What a learner may ask of a running lab that AWS has no call for: deliver now, let time pass."""

import http.client
from datetime import datetime
from urllib.parse import urlencode

from lab.errors import LabError
from lab.instance.folder import Lab
from lab.instance.own_pages import ADVANCE, DELIVER, ask_page

_ANSWER_SECONDS = 600.0  # days of digests in several regions


def deliver(lab: Lab) -> datetime:
    """Delivers everything that waits and ends every digest's period; the lab's time then.

    :raises LabError: the lab does not answer, or refuses.
    """
    return _post(lab, DELIVER)


def advance(lab: Lab, seconds: float) -> datetime:
    """Lets lab time pass, with all deliveries on the way; the lab's time then.

    :raises LabError: the lab does not answer, or its clock cannot go that far.
    """
    return _post(lab, f"{ADVANCE}?{urlencode({'seconds': seconds})}")


def _post(lab: Lab, page: str) -> datetime:
    try:
        status, content = ask_page(lab, "POST", page, _ANSWER_SECONDS)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LabError(f"The lab at {lab.endpoint} does not answer ({error}). See: python -m lab status") from error
    if status != 200:
        raise LabError(str(content.get("message", content)))
    return datetime.fromisoformat(content["now"])
