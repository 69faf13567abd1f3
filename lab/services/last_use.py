"""When access keys and passwords were used last, as GetAccessKeyLastUsed and the credential report say it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
"""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from lab.ministack import iam
from lab.protocol.answer import Answer

_SIGN_IN = "ConsoleLogin"


def install(lab_begins: str) -> None:
    """Answers with what was used.

    :param lab_begins: when the lab's accounts were made (ISO 8601): the age of their roots.
    """
    iam.change_answer("GetAccessKeyLastUsed", _with_last_use)
    iam.change_credential_report(lambda report: _completed(report, lab_begins))


def note(record: Mapping[str, Any]) -> None:
    """Takes note of the access key, or the password, that a call was made with."""
    identity = record["userIdentity"]
    account, name = record["recipientAccountId"], identity.get("userName", "")
    if record["eventName"] == _SIGN_IN:
        if (record["responseElements"] or {}).get(_SIGN_IN) == "Success":
            iam.note_use_of_password(account, name, record["eventTime"])
    elif identity.get("type") == "IAMUser" and "sessionContext" not in identity and "invokedBy" not in identity:
        service = record["eventSource"].partition(".")[0]
        use = {"LastUsedDate": record["eventTime"], "Region": record["awsRegion"], "ServiceName": service}
        iam.note_use_of_access_key(account, identity["accessKeyId"], use)


def _with_last_use(parameters: Mapping[str, Any], answer: Answer) -> Answer:
    use = iam.use_of_access_key(str(parameters.get("AccessKeyId", "")))
    status, headers, body = answer
    if status != 200 or use is None:
        return answer
    shown = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in use.items())
    text = body.decode() if isinstance(body, bytes) else body
    start, end = text.index("<AccessKeyLastUsed>"), text.index("</AccessKeyLastUsed>")
    return status, headers, f"{text[:start]}<AccessKeyLastUsed>{shown}{text[end:]}".encode()


def _completed(report: str, lab_begins: str) -> str:
    """A credential report with the dates of last use, and a root that is as old as the account."""
    head, *rows = report.split("\n")
    names = head.split(",")
    found = [head]
    for row in rows:
        cells = dict(zip(names, _cells(row, len(names)), strict=True))
        user = cells["user"]
        is_root = user == "<root_account>"
        if is_root:
            cells["user_creation_time"] = lab_begins
        password = iam.use_of_password("" if is_root else user)
        set_at = iam.age_of_password(user)
        if set_at or is_root:
            cells["password_last_used"] = password or "no_information"
        if set_at:
            cells["password_last_changed"] = set_at
        for number, key in enumerate(() if is_root else iam.access_keys_of(user)[:2], start=1):
            use = iam.use_of_access_key(key)
            if use is not None:
                cells[f"access_key_{number}_last_used_date"] = use["LastUsedDate"]
                cells[f"access_key_{number}_last_used_region"] = use["Region"]
                cells[f"access_key_{number}_last_used_service"] = use["ServiceName"]
        found.append(",".join(_quoted(each) for each in cells.values()))
    return "\n".join(found)


def _cells(row: str, count: int) -> list[str]:
    """The cells of a row that has no quotes: a user's name, and so its ARN, may have commas, and no other cell has."""
    names, *others = row.rsplit(",", count - 2)
    name, _, path_and_name = names.partition(",arn:aws:iam::")
    return [name, f"arn:aws:iam::{path_and_name}", *others]


def _quoted(cell: str) -> str:
    """https://www.rfc-editor.org/rfc/rfc4180"""
    return f'"{cell}"' if "," in cell else cell
