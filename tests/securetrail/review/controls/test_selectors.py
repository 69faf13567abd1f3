"""Which events a selector selects: as the lab's delivery decides it, whose code is another."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lab.delivery.selectors import selectors
from securetrail.review.controls.selectors import selects

ARNS = ("arn:aws:s3:::b/in/k", "arn:aws:s3:::b/", "arn:aws:s3:::", "arn:aws:s3", "arn:aws:lambda", "arn:aws:dynamodb")
TYPES = ("AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table")
SOURCES = ("kms.amazonaws.com", "s3.amazonaws.com")
CATEGORIES = ("Management", "Data")
OPERATORS = [f"{no}{name}" for no in ("", "Not") for name in ("Equals", "StartsWith", "EndsWith")]
TEXTS = {
    "eventCategory": CATEGORIES,
    "readOnly": ("true", "false"),
    "eventSource": (*SOURCES, "s3", ".com"),
    "resources.ARN": (*ARNS, "/k", ""),
    "userIdentity.arn": ("arn:aws:iam::1:user/a", "arn:aws:iam", "/a"),
}


def values(of: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(of), max_size=2)


def field(name: str) -> st.SearchStrategy[dict[str, Any]]:
    operators = st.dictionaries(st.sampled_from(OPERATORS), values(TEXTS[name]), max_size=3)
    return operators.map(lambda chosen: {"Field": name, **chosen})


# A selector of ARNs names the type of resource, or AWS refuses it.
TYPE = st.sampled_from(TYPES).map(lambda kind: {"Field": "resources.type", "Equals": [kind]})
ADVANCED = st.tuples(TYPE, st.lists(st.sampled_from(list(TEXTS)).flatmap(field), max_size=3)).map(
    lambda parts: {"FieldSelectors": [parts[0], *parts[1]]}
)
CLASSIC = st.fixed_dictionaries(
    {},
    optional={
        "ReadWriteType": st.sampled_from(["All", "ReadOnly", "WriteOnly"]),
        "IncludeManagementEvents": st.booleans(),
        "ExcludeManagementEventSources": values(SOURCES),
        "DataResources": st.lists(
            st.fixed_dictionaries({"Type": st.sampled_from(TYPES), "Values": values(ARNS)}), max_size=2
        ),
    },
)
RECORDS = st.builds(
    lambda category, reads, source, kind, arn, caller: {
        "eventCategory": category,
        "managementEvent": category == "Management",
        "readOnly": reads,
        "eventSource": source,
        "resources": [{"type": kind, "ARN": arn}],
        **({"userIdentity": {"arn": caller}} if caller else {}),
    },
    st.sampled_from(CATEGORIES),
    st.booleans(),
    st.sampled_from(SOURCES),
    st.sampled_from(TYPES),
    st.sampled_from(ARNS),
    st.sampled_from(["", "arn:aws:iam::1:user/a"]),
)


@given(st.one_of(CLASSIC, ADVANCED), st.lists(RECORDS, min_size=1, max_size=5))
def test_a_selector_selects_what_the_labs_delivery_delivers(
    selector: dict[str, Any], records: list[dict[str, Any]]
) -> None:
    [labs] = selectors([selector])

    assert [selects(selector, record) for record in records] == [labs.selects(record) for record in records]


def test_a_classic_selector_asks_for_no_network_activity() -> None:
    event = {
        "eventCategory": "NetworkActivity",
        "managementEvent": True,
        "readOnly": True,
        "eventSource": "s3.amazonaws.com",
        "resources": [],
    }

    assert not selects({"IncludeManagementEvents": True}, event)
    assert selects({"FieldSelectors": [{"Field": "eventCategory", "Equals": ["NetworkActivity"]}]}, event)
