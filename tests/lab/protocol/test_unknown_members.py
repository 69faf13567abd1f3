"""A body of JSON reaches MiniStack with the members that its call has, all of them and no others."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lab.protocol.catalogue import service_model
from lab.protocol.decode import Call
from lab.protocol.malformed import without_unknown_members

OPERATION = service_model("dynamodb").operation_model("PutItem")
CALL = Call("dynamodb", OPERATION, "json", {}, dict)
NAMES = st.text(max_size=9).filter(lambda name: name not in {"TableName", "Item", "Expected"})
ITEMS = st.dictionaries(
    st.text(max_size=9), st.fixed_dictionaries({"M": st.just({"k": {"L": [{"S": "v"}, {"N": "1"}]}})}), max_size=3
)


@given(item=ITEMS, others=st.dictionaries(NAMES, st.integers(), max_size=3), table=st.text(max_size=9))
def test_what_the_call_has_stays_and_all_else_goes(item: Any, others: Any, table: str) -> None:
    body = json.dumps({"TableName": table, "Item": item}).encode()
    known = {name: each for name, each in others.items() if name in OPERATION.input_shape.members}  # type: ignore[union-attr]

    assert without_unknown_members(CALL, body) is body
    found = json.loads(without_unknown_members(CALL, json.dumps({**others, "TableName": table, "Item": item}).encode()))
    assert found == {**known, "TableName": table, "Item": item}


def test_it_goes_at_any_depth() -> None:
    item = {"k": {"S": "v", "s": "w", "M": {"x": {"N": "1", "Stray": 1}}}}

    found = json.loads(without_unknown_members(CALL, json.dumps({"Item": item}).encode()))

    assert found == {"Item": {"k": {"S": "v", "M": {"x": {"N": "1"}}}}}


def test_what_stands_in_the_path_counts_only_there() -> None:
    operation = service_model("lambda").operation_model("UpdateFunctionConfiguration")
    call = Call("lambda", operation, "rest-json", {}, dict)

    assert without_unknown_members(call, b'{"FunctionName": "other", "Timeout": 3}') == b'{"Timeout": 3}'
