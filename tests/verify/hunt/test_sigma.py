"""Sigma's semantics: against a second evaluator, on generated rules, on the rules of others and on real events."""

import gzip
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from tests.tiers import mostly_slow
from tests.verify.hunt import naive
from verify.hunt.events import event_decoder
from verify.hunt.hunt import Hunt
from verify.hunt.sigma.accounts import other_accounts
from verify.hunt.sigma.correlation import Correlation, CorrelationType, Matched, episodes
from verify.hunt.sigma.load import Loaded, load_rules
from verify.hunt.sigma.matching import matcher
from verify.hunt.sigma.prefilter import Answers

DATASETS = Path(__file__).parents[3].parent / "shared/datasets"
needs_datasets = pytest.mark.skipif(not DATASETS.is_dir(), reason="the data sets are not beside the project")


def rule_text(detection: Any, **more: Any) -> bytes:
    """A rule as JSON, which is YAML as well and is written a hundred times faster."""
    logsource = {"product": "aws", "service": "cloudtrail"}
    return json.dumps({"title": "A", "logsource": logsource, "detection": detection, **more}).encode() + b"\n"


def load_one(detection: Any) -> Any:
    loaded = load_rules([("a.yml", rule_text(detection))])
    assert loaded.problems == ()
    return loaded.rules[0]


def is_match(selection: Any, record: Any, condition: str = "a") -> bool:
    """Whether a rule matches, by its matcher and by the whole way through a file."""
    rule = load_one({"a": selection, "condition": condition})
    found = matcher(rule.node)(record)
    assert through_a_file([rule], [record]) == ([0] if found else [])
    return found


def through_a_file(rules: Sequence[Any], records: Sequence[Any]) -> list[int]:
    """The positions of the rules that find something in a file."""
    hunt = Hunt(rules)
    stamped = [{"eventTime": "2026-01-01T00:00:00Z", "eventID": str(at), **each} for at, each in enumerate(records)]
    hunt.add(event_decoder(hunt.fields)(json.dumps({"Records": stamped}).encode()))
    titles = {id(rule): at for at, rule in enumerate(rules)}
    # That a record names no call is told, and rules look at it all the same.
    assert [hole for hole in hunt.holes if "do not name a call" not in hole] == []
    return sorted({titles[id(rule)] for rule, _ in hunt.findings()})


@pytest.mark.parametrize(
    ("selection", "record", "expected"),
    [
        ({"eventName": "stopLOGGING"}, {"eventName": "StopLogging"}, True),
        ({"eventName|cased": "stopLOGGING"}, {"eventName": "StopLogging"}, False),
        ({"eventName": "Stop*"}, {"eventName": "StopLogging"}, True),
        ({"eventName": "Stop?ogging"}, {"eventName": "StopLogging"}, True),
        ({"eventName": "Stop?"}, {"eventName": "StopLogging"}, False),
        ({"eventName": r"Stop\*"}, {"eventName": "StopLogging"}, False),
        ({"eventName": r"Stop\*"}, {"eventName": "Stop*"}, True),
        ({"eventName": "*a*a*b"}, {"eventName": "a" * 50_000}, False),
        ({"eventName": "*a?a?c*b"}, {"eventName": "a" * 50_000}, False),
        ({"eventName": "a*a"}, {"eventName": "a"}, False),
        ({"errorCode": None}, {}, True),
        ({"errorCode": None}, {"errorCode": None}, True),
        ({"errorCode": None}, {"errorCode": ""}, False),
        ({"errorCode": ""}, {"errorCode": ""}, True),
        ({"errorCode": ""}, {}, False),
        ({"errorCode|exists": True}, {"errorCode": None}, True),
        ({"errorCode|exists": False}, {}, True),
        ({"errorCode|contains": "*"}, {}, False),
        ({"requestParameters.a.b": 1}, {"requestParameters": {"a": [{"b": 2}, {"b": [0, 1]}]}}, True),
        ({"requestParameters.a.b": 1}, {"requestParameters": {"a.b": 1}}, True),
        ({"requestParameters.port": 22}, {"requestParameters": {"port": "22"}}, True),
        ({"requestParameters.port": "22"}, {"requestParameters": {"port": 22}}, True),
        ({"requestParameters.on": "false"}, {"requestParameters": {"on": False}}, True),
        ({"requestParameters.on": True}, {"requestParameters": {"on": "True"}}, True),
        ({"requestParameters.on": 1}, {"requestParameters": {"on": True}}, False),
        ({"requestParameters.port|gte": 1024}, {"requestParameters": {"port": [1, 2000]}}, True),
        ({"requestParameters.port|lt": 0}, {"requestParameters": {"port": "x"}}, False),
        ({"sourceIPAddress|cidr": "10.0.0.0/8"}, {"sourceIPAddress": "10.1.2.3"}, True),
        ({"sourceIPAddress|cidr": "10.0.0.0/8"}, {"sourceIPAddress": "ec2.amazonaws.com"}, False),
        ({"sourceIPAddress|cidr": "2001:db8::/32"}, {"sourceIPAddress": "2001:db8::1"}, True),
        ({"userAgent|re": "Boto3/1.[0-9]+$"}, {"userAgent": "aws Boto3/1.34"}, True),
        ({"userAgent|re": "boto3"}, {"userAgent": "Boto3"}, False),
        ({"userAgent|re|i": "boto3"}, {"userAgent": "Boto3"}, True),
        ({"userAgent|re": "(a+)+$"}, {"userAgent": "a" * 50_000 + "b"}, False),
        ({"a|fieldref": "b"}, {"a": "X", "b": "x"}, True),
        ({"a|fieldref": "b"}, {}, False),
        ({"a|fieldref|startswith": "b"}, {"a": "xy", "b": "X"}, True),
        ({"a|neq": ["x", "y"]}, {"a": "z"}, True),
        ({"a|neq": ["x", "y"]}, {"a": "x"}, False),
        ({"a|contains|all": ["x", "y"]}, {"a": ["x", "y"]}, True),
        ({"a|contains|all": ["x", "y"]}, {"a": "x"}, False),
        ({"requestParameters|contains": '"s3:*"'}, {"requestParameters": {"policy": '{"Action":"s3:*"}'}}, True),
        ({"eventTime|hour|gte": 22}, {"eventTime": "2026-01-01T23:30:00Z"}, True),
        ({"eventTime|week": 1}, {"eventTime": "2026-01-01T23:30:00Z"}, True),
        ({"a|base64": "foo"}, {"a": "Zm9v"}, True),
        ({"a|base64offset|contains": "foo"}, {"a": "eGZvbw=="}, True),
        ({"a|windash|contains": " -x"}, {"a": "run /x"}, True),
        ({"a|wide|base64offset|contains": "ping"}, {"a": "cABpAG4AZwA="}, True),
        (["needle"], {"requestParameters": {"deep": ["a Needle here"]}}, True),
        (["needle"], {"requestParameters": {"deep": ["hay"]}}, False),
    ],
)
def test_a_value_is_compared_as_sigma_says(selection: Any, record: Any, expected: bool) -> None:  # noqa: FBT001
    assert is_match(selection, record) is expected


FIELDS = [
    "eventName",
    "eventSource",
    "errorCode",
    "userAgent",
    "userIdentity.type",
    "userIdentity.arn",
    "requestParameters.a.b",
    "other",
]
SCALARS = st.sampled_from(["a", "A", "ab", "b", "*", "a*", "?b", "", "1", 1, 2, True, None])
FIELD_TESTS = st.one_of(
    st.tuples(st.sampled_from(FIELDS), st.one_of(SCALARS, st.lists(SCALARS, min_size=1, max_size=3))),
    st.tuples(
        st.sampled_from(FIELDS).flatmap(
            lambda field: st.sampled_from([f"{field}|{name}" for name in ("contains", "startswith", "endswith|cased")])
        ),
        st.sampled_from(["a", "b", "ab", "A"]),
    ),
    st.tuples(st.sampled_from([f"{field}|exists" for field in FIELDS]), st.booleans()),
    st.tuples(st.sampled_from([f"{field}|contains|all" for field in FIELDS]), st.just(["a", "b"])),
    st.tuples(st.sampled_from([f"{field}|neq" for field in FIELDS]), st.sampled_from(["a", "b"])),
    st.tuples(st.sampled_from([f"{field}|gte" for field in FIELDS]), st.sampled_from([1, 2])),
    st.tuples(st.sampled_from([f"{field}|fieldref" for field in FIELDS]), st.sampled_from(FIELDS)),
    st.tuples(st.sampled_from([f"{field}|re" for field in FIELDS]), st.sampled_from(["^a", "b$", "[ab]{2}"])),
)
SELECTIONS = st.one_of(
    st.lists(FIELD_TESTS, min_size=1, max_size=3).map(dict),
    st.lists(st.lists(FIELD_TESTS, min_size=1, max_size=2).map(dict), min_size=1, max_size=2),
    st.lists(st.sampled_from(["a", "ab", "b*"]), min_size=1, max_size=2),
)
CONDITIONS = st.sampled_from(
    [
        "sel_a",
        "sel_a and not sel_b",
        "sel_a or sel_b and sel_c",
        "not (sel_a or sel_b) and sel_c",
        "1 of sel_*",
        "all of them",
        "sel_c and not 1 of sel_*",
        "not sel_a",
    ]
)
LEAVES = st.sampled_from(["a", "A", "ab", "b", "", "1", 1, 2, True, False, None, "aab"])
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.sampled_from(["a", "A", "ab", "b", "", None]) for name in FIELDS[:4]},
        "userIdentity": st.fixed_dictionaries({}, optional={"type": LEAVES, "arn": LEAVES}),
        "requestParameters": st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {}, optional={"a": st.one_of(LEAVES, st.lists(st.fixed_dictionaries({"b": LEAVES}), max_size=2))}
            ),
            st.fixed_dictionaries({"a.b": LEAVES}),
        ),
        "other": st.one_of(LEAVES, st.lists(LEAVES, max_size=2), st.fixed_dictionaries({"x": LEAVES})),
    },
)


@pytest.mark.regular
@given(
    rules=st.lists(st.tuples(SELECTIONS, SELECTIONS, SELECTIONS, CONDITIONS), min_size=1, max_size=4),
    records=st.lists(RECORDS, min_size=1, max_size=4),
)
def test_two_evaluators_agree_on_generated_rules_and_events(rules: Any, records: Any) -> None:
    detections = [{"sel_a": a, "sel_b": b, "sel_c": c, "condition": text} for a, b, c, text in rules]
    loaded = [load_one(each) for each in detections]

    expected = [
        any(naive.matches({"detection": each}, stamped(at, record)) for at, record in enumerate(records))
        for each in detections
    ]
    assert through_a_file(loaded, records) == [at for at, found in enumerate(expected) if found]


def stamped(at: int, record: Any) -> Any:
    return {"eventTime": "2026-01-01T00:00:00Z", "eventID": str(at), **record}


# ---- rules of others, real events ------------------------------------------------------------------------------------


@cache
def theirs(folder: str) -> tuple[Loaded, tuple[Any, ...]]:
    files = sorted((DATASETS / "sigma-rules" / folder).glob("*.yml"))
    loaded = load_rules((file.name, file.read_bytes()) for file in files)
    documents = [each for file in files for each in yaml.load_all(file.read_bytes(), yaml.CSafeLoader) if each]
    return loaded, tuple(documents)


@cache
def real_events() -> tuple[Any, ...]:
    events: list[Any] = []
    for file in sorted((DATASETS / "stratus-attack").rglob("*.json.gz")):
        events += json.loads(gzip.decompress(file.read_bytes()))["Records"]
    for file in sorted((DATASETS / "stratus-detonations").glob("*.json")):
        events += json.loads(file.read_bytes())
    return tuple(events)


@needs_datasets
@pytest.mark.regular
@pytest.mark.parametrize(("folder", "rules"), [("sigmahq", 57), ("suzaku", 745)])
def test_the_rules_of_others_load_and_run(folder: str, rules: int) -> None:
    loaded, documents = theirs(folder)

    assert loaded.problems == ()
    assert len(loaded.rules) == len(documents) == rules


@needs_datasets
@pytest.mark.regular
@pytest.mark.parametrize(
    ("folder", "of", "every"), mostly_slow([("sigmahq", 0, 8), *(("suzaku", at, 8) for at in range(8))], 99)
)
def test_two_evaluators_agree_on_rules_of_others_and_real_events(folder: str, of: int, every: int) -> None:
    loaded, documents = theirs(folder)
    events = real_events()
    names = {each["title"]: [] for each in documents}  # type: dict[str, list[int]]
    for number, rule in enumerate(loaded.rules):
        if rule.node is None or number % every != of:
            continue
        document = next(each for each in documents if str(each.get("id")) == rule.id)
        match = matcher(rule.node)
        for event in events:
            assert match(event) == naive.matches(document, event), (rule.title, event["eventID"])
        names[rule.title].append(number)
    assert sum(map(len, names.values())) >= 7


@needs_datasets
@pytest.mark.regular
def test_the_short_way_through_a_file_finds_what_each_rule_finds_by_itself() -> None:
    loaded, _ = theirs("sigmahq")
    hunt = Hunt(loaded.rules)
    events = real_events()
    hunt.add(event_decoder(hunt.fields)(json.dumps({"Records": events}).encode()))

    found = {(rule.title, finding.principal): finding.count for rule, finding in hunt.findings()}
    counts: dict[str, int] = {}
    for rule in loaded.rules:
        assert rule.node is not None
        number = len({event["eventID"] for event in events if matcher(rule.node)(event)})
        if number:
            counts[rule.title] = number
    assert {title: sum(n for (name, _), n in found.items() if name == title) for title in counts} == counts
    assert {name for name, _ in found} == set(counts)


# ---- correlations ----------------------------------------------------------------------------------------------------

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.regular
@given(
    kind=st.sampled_from(list(CorrelationType)),
    span=st.sampled_from([1, 3, 5]),
    operator=st.sampled_from(["gte", "gt", "lt", "lte", "eq", "neq"]),
    bound=st.integers(1, 3),
    grouped=st.booleans(),
    given_events=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(0, 6), st.sampled_from(["x", "y", None])),
        max_size=14,
    ),
)
def test_two_evaluators_agree_on_correlations_of_late_and_repeated_events(
    kind: CorrelationType,
    span: int,
    operator: str,
    bound: int,
    grouped: bool,  # noqa: FBT001
    given_events: Any,
) -> None:
    of_event: dict[int, tuple[int, str | None]] = {}  # one event has one time and one value, however often it comes
    events = [
        (rule, number, *of_event.setdefault(number, (second, value))) for rule, second, number, value in given_events
    ]
    rules = (0, 1) if kind in (CorrelationType.TEMPORAL, CorrelationType.TEMPORAL_ORDERED) else (0, 1, 2)
    events = [each for each in events if each[0] in rules]
    is_temporal = kind is CorrelationType.TEMPORAL
    correlation = Correlation(
        kind,
        rules,
        span,
        (dict.fromkeys(rules, "g"),) if grouped else (),
        ("g",) if kind is CorrelationType.VALUE_COUNT else (),
        "gte" if is_temporal else operator,
        2 if is_temporal else bound,
    )
    tests: dict[str, Any] = {
        "gte": lambda n: n >= bound,
        "gt": lambda n: n > bound,
        "lt": lambda n: n < bound,
        "lte": lambda n: n <= bound,
        "eq": lambda n: n == bound,
        "neq": lambda n: n != bound,
    }

    found = episodes(
        correlation,
        [Matched(rule, NOON + timedelta(seconds=at), str(number), {"g": value}) for rule, number, at, value in events],
    )
    expected = naive.held(
        kind.value,
        [str(rule) for rule in rules],
        span,
        ["g"] if grouped else [],
        tests[operator],
        [
            (str(rule), {"at": NOON + timedelta(seconds=at), "id": str(number), "g": value})
            for rule, number, at, value in events
        ],
        field="g",
    )

    def known(start: datetime, end: datetime, ids: Any) -> Any:
        return (start, end, sorted(ids))

    assert sorted((each.at.time, *known(each.start, each.end, each.events)) for each in found) == sorted(
        (each.first, *known(each.start, each.end, each.events)) for each in expected
    )


def correlation_text(kind: str, rules: Sequence[str], **more: Any) -> bytes:
    of = {"type": kind, "rules": list(rules), "group-by": ["userIdentity.arn"], "timespan": "5m", **more}
    return yaml.safe_dump({"title": f"many {kind}", "correlation": of, "level": "high"}).encode()


def base_text(name: str, event: str) -> bytes:
    return rule_text({"a": {"eventName": event}, "condition": "a"}, name=name)


def found_in(files: Sequence[tuple[str, bytes]], records: Sequence[Any]) -> dict[str, int]:
    loaded = load_rules(files)
    assert loaded.problems == ()
    hunt = Hunt(loaded.rules)
    hunt.add(event_decoder(hunt.fields)(json.dumps(records).encode()))
    return {rule.title: finding.count for rule, finding in hunt.findings()}


def event(name: str, at: str, number: int, arn: str = "arn:x", **more: Any) -> dict[str, Any]:
    return {
        "eventName": name,
        "eventTime": f"2026-01-01T{at}Z",
        "eventID": str(number),
        "userIdentity": {"arn": arn},
        **more,
    }


def test_a_correlation_counts_an_event_once_that_was_delivered_twice_and_late() -> None:
    files = [("b", base_text("denied", "X")), ("c", correlation_text("event_count", ["denied"], condition={"gte": 3}))]
    twice = [event("X", "12:03:00", 1), event("X", "12:03:00", 1), event("X", "12:01:00", 2)]

    assert found_in(files, twice) == {}
    assert found_in(files, [*twice, event("X", "12:00:00", 3)]) == {"many event_count": 3}


def test_a_timespan_may_be_longer_than_any_time() -> None:
    longest = correlation_text("event_count", ["denied"], condition={"gte": 2}, timespan="999999999999y")
    records = [event("X", "12:00:00", 1), event("X", "23:59:59", 2)]

    assert found_in([("b", base_text("denied", "X")), ("c", longest)], records) == {"many event_count": 2}


def test_what_a_correlation_compares_is_there_whatever_other_rules_look_at() -> None:
    base = {"selection": {"eventName": "GetSecretValue"}, "condition": "selection"}
    other = {"selection": {"eventName": "GetSecretValue", "errorMessage": "no"}, "condition": "selection"}
    rules = [
        ("a.yml", rule_text(base, name="read")),
        ("b.yml", rule_text(other, name="refused")),
        ("c.yml", correlation_text("value_count", ["read"], condition={"gte": 2, "field": "requestParameters.id"})),
    ]
    records = [event("GetSecretValue", f"00:00:0{at}", at, requestParameters={"id": str(at)}) for at in range(2)]

    assert found_in(rules, records) == {"many value_count": 2}


@pytest.mark.parametrize("agent", ["aws-cli", 1])
def test_what_a_correlation_cannot_compare_is_told_and_hides_nothing_else(agent: str | int) -> None:
    rules = load_rules(
        [
            ("a.yml", rule_text({"a": {"eventName": "GetSecretValue"}, "condition": "a"}, name="read")),
            ("b.yml", rule_text({"a": {"eventName": ["GetSecretValue", "StopLogging"]}, "condition": "a"})),
            ("c.yml", correlation_text("value_count", ["read"], condition={"gte": 2, "field": "requestParameters.id"})),
        ]
    ).rules
    hunt = Hunt(rules)
    many = {"id": ["x"] * 10_001}
    records = [
        event("StopLogging", "00:00:00", 1, userAgent=agent),  # a file with a number there is read as whole records
        event("GetSecretValue", "00:00:01", 2, requestParameters=many),
    ]
    hunt.add(event_decoder(hunt.fields)(json.dumps({"Records": records}).encode()))

    assert any("could not be judged" in hole for hole in hunt.holes)
    assert [finding.events for rule, finding in hunt.findings() if rule.title == "A"] == [("1", "2")]


def test_no_file_is_kept_for_what_is_known_of_an_instance() -> None:
    session: dict[str, Any] = {
        "type": "AssumedRole",
        "arn": "arn:aws:sts::111122223333:assumed-role/r/i-0123456789abcdef0",
    }
    session |= {"principalId": "AROA:i-0123456789abcdef0"}
    session["sessionContext"] = {"ec2RoleDelivery": "2.0", "attributes": {"mfaAuthenticated": "false"}}
    record = event("X", "00:00:00", 1, sourceIPAddress="198.51.100.1") | {"userIdentity": session}
    field = "userIdentity.sessionContext.attributes.mfaAuthenticated"
    hunt = Hunt([load_one({"a": {field: "true"}, "condition": "a"})])
    body = json.dumps([record]).encode()
    before = sys.getrefcount(body)
    hunt.add(event_decoder(hunt.fields)(body))

    assert (len(hunt._sessions), sys.getrefcount(body)) == (1, before)


@pytest.mark.parametrize(
    "odd",
    [
        [],
        [event("X", "12:00:01", 1)],  # an id that was there
        [{**event("X", "11:00:00", 9), "eventID": ""}],
        [{**event("X", "", 9), "eventTime": "2026-01-01T13:00:00.5+01:00"}],
        [{**event("X", "", 9), "eventTime": None}],
    ],
)
def test_events_of_a_file_are_counted_together_as_one_by_one(odd: list[dict[str, Any]]) -> None:
    records = [*(event("X", f"12:00:0{number}", number, f"arn:{number % 2}") for number in range(6)), *odd]

    def found(files: Iterable[list[dict[str, Any]]]) -> tuple[Any, ...]:
        hunt = Hunt([load_one({"a": {"eventName": "X"}, "condition": "a"})])
        for each in files:
            hunt.add(event_decoder(hunt.fields)(json.dumps(each).encode()))
        return [finding for _, finding in hunt.findings()], hunt.holes

    assert found([records]) == found([record] for record in records)
    assert sum(finding.count for finding in found([records])[0]) >= 6


def test_callers_that_are_all_different_take_no_more_memory_and_are_not_confused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("verify.hunt.events._MAX_CALLERS", 3)
    monkeypatch.setattr("verify.hunt.events._MAX_CALLER_BYTES", 60)
    monkeypatch.setattr("verify.hunt.hunt._MAX_KEPT", 3)
    arns = [f"arn:{'x' * (number * 10)}" for number in range(9)] * 2
    rules = [load_one({"a": {"userIdentity.arn|endswith": "x" * 20}, "condition": "a"})]
    hunt = Hunt(rules)
    decode = event_decoder(hunt.fields | {"userIdentity.inScopeOf"})  # nobody else's decoder
    for number, arn in enumerate(arns):
        read = decode(json.dumps([event("X", "12:00:00", number, arn)]).encode())
        assert [each.userIdentity.arn for each in read.light] == [arn]
        hunt.add(read)

    found = {finding.principal: finding.count for _, finding in hunt.findings()}
    assert found == {arn: 2 for arn in arns if arn.endswith("x" * 20)}
    assert max(len(hunt._callers), len(hunt._left)) <= 3


def test_callers_who_call_themselves_something_else_each_time_take_no_more_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("verify.hunt.sigma.prefilter._MAX_VALUES", 10)
    letters = "abcdef"
    nodes = [load_one({"a": {"userAgent|contains": each}, "condition": "a"}).node for each in letters]
    answers = Answers(nodes, "userAgent", UNSET)
    texts = ["".join(each) for count in range(7) for each in combinations(letters, count)] * 2
    said: dict[int, set[str]] = {}
    for text in [*texts, *(f"{text}{'x' * 1_000}" for text in texts)]:
        said.setdefault(answers[text], set()).add(text.rstrip("x"))
        assert [letter in str(answers.example(answers[text])) for letter in letters] == [
            letter in text for letter in letters
        ]

    assert all(len(each) == 1 for each in said.values())
    assert max(len(answers), len(answers._examples), len(answers._numbers)) <= 10
    assert all(len(str(each)) < 1_000 for each in answers)


def test_a_caller_is_known_however_many_answers_were_forgotten_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.hunt.sigma.prefilter._MAX_VALUES", 10)
    letters = "abcdef"
    rules = [load_one({"a": {"userIdentity.arn|contains": f"/{each}"}, "condition": "a"}) for each in letters]
    hunt = Hunt(rules)
    decode = event_decoder(hunt.fields)
    arns = [
        "arn:x:" + "".join(f"/{each}" for each in some) for count in range(7) for some in combinations(letters, count)
    ]

    for number, (name, arn) in enumerate([*(("X", arn) for arn in arns), *(("Y", arn) for arn in arns)]):
        hunt.add(decode(json.dumps([event(name, "12:00:00", number, arn)]).encode()))

    assert sum(finding.count for _, finding in hunt.findings()) == 2 * sum(arn.count("/") for arn in arns)


def test_correlations_may_rest_on_correlations() -> None:
    inner = yaml.safe_load(correlation_text("event_count", ["denied"], condition={"gte": 2}))
    files = [
        ("b", base_text("denied", "X")),
        ("i", yaml.safe_dump({**inner, "name": "burst", "title": "burst"}).encode()),
        ("g", base_text("got", "Y")),
        ("c", correlation_text("temporal_ordered", ["burst", "got"])),
    ]
    records = [event("X", "12:00:00", 1), event("X", "12:01:00", 2), event("Y", "12:02:00", 3)]

    assert found_in(files, records) == {"many temporal_ordered": 2}
    assert found_in(files, [records[2], *records[:1]]) == {}
    assert found_in(files, [*records[:2], event("Y", "12:02:00", 3, "arn:y")]) == {}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a: [", "not YAML"),
        (b"", "no rule"),
        (b"x" * (2**20 + 1), "bytes"),
        (b"[" * 40 + b"]" * 40, "nested"),
        (
            b"a: &a [1,1]\nb: &b [*a,*a]\n"
            + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c]\n" % (c + 1, c + 1, c, c, c, c) for c in range(98, 112)),
            "values",
        ),
        (b"a: &a [*a]", "refers to itself"),
        (b"title: A\ntitle: B\n", "twice"),
        (b"- 1\n", "no fields"),
        (b"title: A\ndetection: 5\nlogsource: {product: aws}\n", "detection"),
        (rule_text({"a": {"b": "c"}, "condition": "(" * 11 + "a" + ")" * 11}), "parentheses"),
        (rule_text({"a": {"b": "c"}, "condition": "a" + " and a" * 2_000}), "characters"),
        (
            rule_text({f"s{at}": {"b": "c"} for at in range(500)} | {"condition": "1 of them" + " and 1 of s*" * 99}),
            "written out",
        ),
        (rule_text({"a": {"b": list(range(1_000))}, "condition": ["a", "not a"] * 50}), "written out"),
        (rule_text({"a": {"b": "c"}, "condition": "a and missing"}), "missing"),
        (rule_text({"a": {"b|re": "(?=x)"}, "condition": "a"}), "(?=x)"),
        (rule_text({"a": {"b|re": "(x{1000}){1000}"}, "condition": "a"}), "Regular expression"),
        (rule_text({"a": {"b|expand": "%servers%"}, "condition": "a"}), "%servers%"),
        (rule_text({"a": {"b|unheard": "x"}, "condition": "a"}), "unheard"),
        (rule_text({"a": {"b": "x"}, "condition": "a | count() > 5"}), "pipe"),
        (rule_text({"a": {"b": list(range(60_000))}, "condition": "a"}), "values"),
        (rule_text({"a": {"b": "c"}, "condition": "a"}).replace(b"aws", b"windows"), "other logs (windows cloudtrail)"),
        (correlation_text("event_count", ["nobody"], condition={"gte": 3}), "nobody"),
        (
            base_text("x", "X") + b"---\n" + correlation_text("value_sum", ["x"], condition={"gte": 3, "field": "y"}),
            "value_sum",
        ),
        (base_text("x", "X") + b"---\n" + correlation_text("temporal", ["x", "x"]), "twice"),
    ],
)
def test_a_rule_that_cannot_run_is_named_with_the_reason(content: bytes, why: str) -> None:
    loaded = load_rules([("hostile.yml", content), ("good.yml", base_text("good", "X"))])

    assert [rule.title for rule in loaded.rules if rule.source == "good.yml"] == ["A"]
    assert [(problem.source, why in problem.why) for problem in loaded.problems] == [("hostile.yml", True)], loaded


@pytest.mark.parametrize("letter", ["P", r"\u0050"])
def test_another_account_is_found_however_the_text_of_a_policy_is_written(letter: str) -> None:
    stranger = '{"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::999988887777:root"]}'
    policy = f' {{"Statement": [{{"Effect": "Allow", "{letter}rincipal": {stranger}}}]}}'
    record = {"recipientAccountId": "111122223333", "requestParameters": {"assumeRolePolicyDocument": policy}}

    assert other_accounts(record) == ["999988887777"]


@pytest.mark.parametrize(
    ("statement", "others"),
    [
        ({"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:root"}}, ["all but those named"]),
        ({"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::999988887777:root"}}, ["all but those named"]),
        ({"Effect": "Deny", "NotPrincipal": {"AWS": "arn:aws:iam::999988887777:root"}}, []),
        ({"Effect": "Allow", "Principal": {"AWS": "all but those named"}}, []),
    ],
)
def test_who_allows_all_but_some_lets_other_accounts_in(statement: dict[str, Any], others: list[str]) -> None:
    for policy in (statement, json.dumps({"Statement": [statement]})):
        record = {"recipientAccountId": "111122223333", "requestParameters": {"policy": policy}}
        assert other_accounts(record) == others


def test_of_an_envelope_with_two_lists_of_records_nothing_is_lost_in_silence() -> None:
    found = event_decoder(frozenset())(
        b'{"Records":[{"eventName":"A"}],"Records":[{"eventName":"B"},{"eventName":"C"}]}'
    )

    assert [each["eventName"] for each in found.records] == ["A", "B", "C"]
    assert found.flaw
