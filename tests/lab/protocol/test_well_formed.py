"""XML that MiniStack writes from callers' texts becomes XML that a client can read."""

from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st

from lab.protocol.catalogue import operation_model
from lab.protocol.well_formed import is_well_formed, repaired

ROLE = operation_model("iam", "GetRole")
SPECIAL = st.sampled_from(
    [*"<>&\"'/ \0\x01\ufffea", "</", "<Description>", "</Description>", "</Role>", "&amp;", "&#1;"]
)
TEXTS = st.lists(SPECIAL, max_size=12).map("".join)


def answer(text: str) -> bytes:
    role = f"<Role><RoleName>r</RoleName><Description>{text}</Description></Role>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<GetRoleResult>{role}</GetRoleResult></GetRoleResponse>"
    ).encode()


@given(text=TEXTS)
@example(text="")
@example(text="</Description></Role></GetRoleResult></GetRoleResponse><a>")
@example(text="<!DOCTYPE a [<!ENTITY b 'c'>]>&b;")
@example(text="<![CDATA[")
def test_whatever_is_in_an_answer_it_becomes_xml(text: str) -> None:
    assert is_well_formed(repaired(answer(text), ROLE))
    assert is_well_formed(repaired(answer(text), None))


@given(text=st.text("<>&\"' /ab\u00e9;#x", max_size=20))
def test_a_text_without_the_answers_own_marks_is_kept_as_it_was(text: str) -> None:
    found = ElementTree.fromstring(repaired(answer(text), ROLE)).find(".//{*}Description")  # noqa: S314

    assert found is not None
    assert (found.text or "").strip() == text.replace("&amp;", "&").strip()


@given(document=st.binary(max_size=60))
def test_bytes_of_any_kind_end_no_call(document: bytes) -> None:
    repaired(document, ROLE)
