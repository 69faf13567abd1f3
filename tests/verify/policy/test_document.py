import json
from typing import Any

import pytest

from verify.policy.document import (
    MAX_CHARACTERS,
    Condition,
    MalformedPolicy,
    PrincipalPattern,
    parse_policy,
)
from verify.policy.evaluation import EVERYBODY, Request, decide

STATEMENT: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in STATEMENT.items() if key != name}


def text(*statements: object) -> str:
    return json.dumps({"Statement": list(statements)})


def test_strings_and_lists_of_strings_mean_the_same() -> None:
    one = parse_policy(text(STATEMENT))
    many = parse_policy(text({**STATEMENT, "Principal": {"AWS": ["*"]}, "Action": ["s3:*"], "Resource": ["*"]}))
    assert one == many
    assert parse_policy(json.dumps({"Statement": STATEMENT})) == one


def test_booleans_and_numbers_are_read_as_the_strings_that_aws_stores() -> None:
    condition = {"Bool": {"aws:SecureTransport": False}, "NumericLessThan": {"s3:TlsVersion": 1.2}}
    (statement,) = parse_policy(text({**STATEMENT, "Condition": condition}))
    assert statement.conditions == (
        Condition("Bool", "aws:SecureTransport", ("false",)),
        Condition("NumericLessThan", "s3:TlsVersion", ("1.2",)),
    )


def test_every_kind_of_principal_is_kept_apart() -> None:
    (statement,) = parse_policy(
        text({**without("Principal"), "NotPrincipal": {"AWS": "1", "Service": ["a", "b"]}, "Sid": "S"})
    )
    assert statement.principals.excludes
    assert statement.principals.patterns == (
        PrincipalPattern("AWS", "1"),
        PrincipalPattern("Service", "a"),
        PrincipalPattern("Service", "b"),
    )
    assert statement.label == "S"


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 200_000, "not JSON"),
        ("[]", "no Statement"),
        ("{}", "no Statement"),
        ('{"Statement": "x"}', "neither a statement nor a list"),
        (text("x"), "statement 1 is not an object"),
        (text(STATEMENT, None), "statement 2 is not an object"),
        (text(without("Effect")), "Effect"),
        (text({**STATEMENT, "Effect": "allow"}), "Effect"),
        (text(without("Principal")), "Principal or NotPrincipal"),
        (text({**STATEMENT, "NotPrincipal": "*"}), "not both"),
        (text(without("Action")), "Action or NotAction"),
        (text(without("Resource")), "Resource or NotResource"),
        (text({**STATEMENT, "Principal": "arn:aws:iam::1:root"}), "Principal"),
        (text({**STATEMENT, "Principal": ["*"]}), "Principal"),
        (text({**STATEMENT, "Principal": {"AWS": {}}}), "neither a string nor a list"),
        (text({**STATEMENT, "Action": [["s3:*"]]}), "neither a string nor a list"),
        (text({**STATEMENT, "Action": None}), "neither a string nor a list"),
        (text({**STATEMENT, "Condition": []}), "Condition"),
        (text({**STATEMENT, "Condition": {"Bool": "x"}}), "Condition"),
        (text({**STATEMENT, "Condition": {"Bool": {"k": {}}}}), "neither a string nor a list"),
        (" " * (MAX_CHARACTERS + 1), "characters"),
        # What does not stand in the grammar might change what the rest means.
        (text({**STATEMENT, "condition": {"Bool": {"aws:SecureTransport": "false"}}}), "grammar does not have"),
        (text({**STATEMENT, "Sid": ["x"]}), "grammar does not have"),
        ('{"Version": ["2012-10-17"], "Statement": []}', "grammar does not have"),
        ('{"Statement": [], "Extra": ' + "[" * 500 + "]" * 500 + "}", "grammar does not have"),
        ('{"Statement": [], "Id": ' + "[" * 500 + "]" * 500 + "}", "grammar does not have"),
    ],
)
def test_what_is_not_a_policy_is_refused_with_the_reason(document: str, complaint: str) -> None:
    with pytest.raises(MalformedPolicy, match=complaint):
        parse_policy(document)


def test_in_the_older_version_a_variable_is_plain_text() -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:x}"}
    context = {"aws:x": ("1",)}

    def is_allowed(key: str, **version: str) -> bool | None:
        statements = parse_policy(json.dumps({**version, "Statement": [statement]}))
        request = Request(EVERYBODY, "s3:GetObject", f"arn:aws:s3:::b/{key}", context)
        return decide(statements, request).is_allowed.is_true

    assert (is_allowed("${aws:x}"), is_allowed("1")) == (True, False)
    assert (is_allowed("${aws:x}", Version="2012-10-17"), is_allowed("1", Version="2012-10-17")) == (False, True)


@pytest.mark.parametrize("version", ["", '"Version": "2008-10-17", '])
def test_in_the_older_version_a_variable_is_plain_text_however_it_is_written(version: str) -> None:
    rest = '"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": @}}'
    condition = '{"StringNotEquals": {"aws:PrincipalAccount": "{aws:PrincipalAccount}"}}'
    for written in ("${", r"\u0024{", r"$\u007b", r"\u0024\u007B"):
        (statement,) = parse_policy("{" + version + rest.replace("@", condition.replace('"{', f'"{written}')))
        assert [one.values for one in statement.conditions] == [("${$}{aws:PrincipalAccount}",)]
