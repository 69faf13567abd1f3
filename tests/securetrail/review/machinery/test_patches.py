"""Fixtures and helpers that put something in the place of what existing tests are about."""

import pytest

from tests.securetrail.review.machinery.test_weaker_checks import kinds

CONFTEST, TEST, HELPERS = "tests/conftest.py", "tests/test_it.py", "tests/helpers.py"
BASE = {
    "audit/__init__.py": "",
    CONFTEST: "import pytest\n\n@pytest.fixture\ndef account(monkeypatch):\n    return 1\n",
    HELPERS: "def made():\n    return 1\n",
    TEST: "import pytest\nimport audit\n\ndef test_a(account):\n    assert audit.f() == 1\n",
}
FOR_ALL = "@pytest.fixture(autouse=True)\ndef quiet(monkeypatch):\n    "
PATCHES = {
    "by name": 'monkeypatch.setattr("audit.rules.check", lambda: True)',
    "by its module": 'import audit.rules\n    monkeypatch.setattr(audit.rules, "check", lambda: True)',
    "by another name": 'from audit import rules as r\n    monkeypatch.setattr(r, "check", lambda: True)',
    "with mock": 'from unittest import mock\n    with mock.patch("audit.rules.check"):\n        yield',
    "with mock, of an object": (
        'from unittest.mock import patch\n    from audit import rules\n    patch.object(rules, "check").start()'
    ),
    "by assigning": "import audit\n    audit.rules.check = lambda: True",
    "by setattr": 'import audit\n    setattr(audit.rules, "check", lambda: True)',
    "of an entry": "from audit.rules import TABLE\n    TABLE['x'] = None",
    "of Python's own": 'monkeypatch.setattr("builtins.all", lambda _: True)',
    "by another function": "_more(monkeypatch)\n\ndef _more(m):\n    m.setattr('audit.rules.check', None)",
}


@pytest.mark.parametrize(
    ("name", "how"),
    [*((CONFTEST, each) for each in PATCHES), (TEST, "by name"), ("tests/more/conftest.py", "with mock")],
)
def test_a_fixture_for_all_that_puts_something_in_the_place_of_the_code_is_objected_to(name: str, how: str) -> None:
    text = f"{BASE.get(name, 'import pytest')}\n\n{FOR_ALL}{PATCHES[how]}\n"

    assert kinds(BASE, {**BASE, name: text}) == {"tests_patched"}
    assert kinds({**BASE, name: text}, {**BASE, name: f"# why\n{text}"}) == set()


SET = 'monkeypatch.setattr("audit.rules.check", lambda: True)'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (CONFTEST, BASE[CONFTEST].replace("return 1", f"{SET}\n    return 1")),
        ("tests/more/conftest.py", BASE[CONFTEST].replace("return 1", f"{SET}\n    return 1")),
        (CONFTEST, f"{BASE[CONFTEST]}\nimport audit\naudit.check = None\n"),
        (TEST, f"{BASE[TEST]}\naudit.check = None\n"),
        (TEST, f"{BASE[TEST]}\ndef setup_module():\n    audit.check = None\n"),
        (TEST, BASE[TEST].replace("import audit", "from tests import fake as audit")),
        (TEST, BASE[TEST].replace("import audit", "class audit:\n    f = lambda: 1")),
        (HELPERS, 'from unittest import mock\nmock.patch("audit.check").start()\n\ndef made():\n    return 1\n'),
        (HELPERS, "import audit\n\ndef made():\n    audit.check = None\n    return 1\n"),
    ],
)
def test_so_is_what_existing_tests_use_otherwise(name: str, text: str) -> None:
    assert kinds(BASE, {**BASE, name: text}) == {"tests_patched"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # For new tests, which ask for it; for whoever calls it; for one test.
        (CONFTEST, f"{BASE[CONFTEST]}\n@pytest.fixture\ndef checked(monkeypatch):\n    {SET}\n"),
        (HELPERS, f"{BASE[HELPERS]}\ndef checked(monkeypatch):\n    {SET}\n"),
        (TEST, f"{BASE[TEST]}\ndef test_b(monkeypatch):\n    {SET}\n    assert audit.f() == 2\n"),
        (TEST, BASE[TEST].replace("(account):", f"(account, monkeypatch):\n    {SET}")),
        (TEST, BASE[TEST].replace("import audit", "from more import audit")),
        (TEST, BASE[TEST].replace("import audit\n", "import audit\n\npytestmark = pytest.mark.fast\n")),
        # Not the project's code.
        (CONFTEST, f'{BASE[CONFTEST]}\n{FOR_ALL}monkeypatch.setattr("time.sleep", lambda _: None)\n'),
        (CONFTEST, f'{BASE[CONFTEST]}\n{FOR_ALL}monkeypatch.setenv("AWS_REGION", "x")\n'),
        (CONFTEST, f"{BASE[CONFTEST]}\n{FOR_ALL}it = {{}}\n    it['x'] = 1\n    yield it\n"),
        ("tests/test_more.py", BASE[TEST].replace("test_a", "test_b").replace("account", "")),
    ],
)
def test_what_changes_nothing_for_existing_tests_is_not_objected_to(name: str, text: str) -> None:
    assert kinds(BASE, {**BASE, name: text}) == set()
