"""Which tests the settings of pytest let run and fail, compared by what they do.

https://docs.pytest.org/en/stable/reference/reference.html#ini-options-ref and
https://docs.pytest.org/en/stable/reference/customize.html
"""

from __future__ import annotations

import configparser
import shlex
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from securetrail.review.objections import Objection, objection_id

# In which part of which file pytest has its settings, in the order in which it looks for them.
_PLACES: Final = {
    "pytest.toml": "pytest",
    ".pytest.toml": "pytest",
    "pytest.ini": "pytest",
    ".pytest.ini": "pytest",
    "pyproject.toml": "tool.pytest",
    "tox.ini": "pytest",
    "setup.cfg": "tool:pytest",
}
SETTINGS: Final = (*_PLACES, ".coveragerc")
# Those that pytest reads since version 9 only.
_SINCE_9: Final = ("pytest.toml", ".pytest.toml")
# Where one of these is, pytest has no settings of another file.
HIDING: Final = tuple(_PLACES)[:4]
_PYPROJECT: Final = "pyproject.toml"
# What is collected, and what it is when nobody says so.
_COLLECTED: Final = {
    "python_classes": ("Test",),
    "python_files": ("test_*.py", "*_test.py"),
    "python_functions": ("test",),
}
_NOT_COLLECTED: Final = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}")
# By these options of the command line fewer tests run, or fail: those that have a value, and the others.
_NARROWING: Final = {
    "-c": "--config-file",
    "-k": "-k",
    "-m": "-m",
    "-o": "--override-ini",
    "-p": "-p",
    "-W": "--pythonwarnings",
    "--config-file": "--config-file",
    "--confcutdir": "--confcutdir",
    "--deselect": "--deselect",
    "--ignore": "--ignore",
    "--ignore-glob": "--ignore-glob",
    "--override-ini": "--override-ini",
    "--pythonwarnings": "--pythonwarnings",
    "--reruns": "--reruns",
    "--rootdir": "--rootdir",
}
# A word behind an option of which nobody here knows whether it has a value.
_VALUE_OR_FILE: Final = "?"
_LEAVES_OUT: Final = {
    *_NARROWING.values(),
    _VALUE_OR_FILE,
    "--co",
    "--collect-only",
    "--disable-plugin-autoload",
    "--doctest-ignore-import-errors",
    "--last-failed",
    "--lf",
    "--no-cov",
    "--noconftest",
    "--runxfail",
    "--setup-only",
    "--setup-plan",
    "--stepwise",
    "--stepwise-skip",
    "--suppress-no-test-exit-code",
    "--sw",
    "--sw-skip",
}
# Options by which more runs, or fails.
_FAILING: Final = ("--doctest-glob", "--doctest-modules", "--strict", "--strict-config", "--strict-markers")
_COVERED: Final = "--cov-fail-under"
_FILTER: Final = "--pythonwarnings"
_LAST_COUNTS: Final = ("-k", "-m", "--config-file", "--confcutdir", "--rootdir", "--cov-fail-under")
# Other options that have a value, as a word of its own or joined to it.
_WITH_VALUE: Final = {
    "-n",
    "-r",
    "--basetemp",
    "--color",
    "--durations",
    "--import-mode",
    "--maxfail",
    "--tb",
    "--timeout",
}
# Options that have none: what stands behind one of them is a file or folder of tests.
_FLAGS: Final = {"-l", "-q", "-s", "-v", "-x", "--exitfirst", "--ff", "--nf", "--quiet", "--verbose", *_FAILING[1:]}
# Settings that turn into failures what would pass, or run what would not be run; whether it is so by itself, when they
# are true. What every test uses, where modules are found first, and what programs find in their environment.
_STRICT: Final = (
    "asyncio_mode",
    "empty_parameter_set_mark",
    "strict",
    "strict_config",
    "strict_markers",
    "strict_xfail",
    "xfail_strict",
)
_TRUE: Final = {"1", "on", "true", "yes"}
_USED: Final = ("env", "pythonpath", "usefixtures")
_UNTESTED: Final = "What the tests showed can break, and nobody is told."

Read = Callable[[str], str | None]


def leaves_out_tests(path: str, base: str, head: str) -> Iterator[Objection]:
    """What of pytest's settings lets fewer tests run, or fail.

    :param path: of ``pyproject.toml`` or another file that pytest has its settings in.
    :param base: the file's text; likewise ``head``.
    """
    before, after = _settings(path, base), _settings(path, head)
    differs = {*_collects_less(before, after), *_lets_more_pass(before, after)}
    yield from (_objection(path, name, before.get(name), after.get(name)) for name in sorted(differs))


def lets_pass(path: str, base: str, head: str) -> Iterator[Objection]:
    """What else of such a file lets more tests pass: the part of the code that they cover, and plugins of pytest.

    :param base: the file's text; likewise ``head``.
    """
    covered = [_covered(path, text) for text in (base, head)]
    if covered[0] > covered[1]:
        yield _objection(path, "fail_under", f"{covered[0]:g}", f"{covered[1]:g}")
    yield from _new_plugins(path, base, head)


def _collects_less(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name, by_itself in _COLLECTED.items():
        if not {*(_words(before.get(name)) or by_itself)} <= {*(_words(after.get(name)) or by_itself)}:
            yield name
    old, new = ({*(_words(each.get("norecursedirs")) or _NOT_COLLECTED)} for each in (before, after))
    if not new <= old:
        yield "norecursedirs"
    lost = {*_words(before.get("testpaths"))} - {*_words(after.get("testpaths"))}
    if after.get("testpaths") and (lost or not before.get("testpaths")):
        yield "testpaths"
    if _runs_less(_words(before.get("addopts")), _words(after.get("addopts"))):
        yield "addopts"


def _lets_more_pass(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in _STRICT:
        is_stricter = str(after.get(name)).lower() in _TRUE
        if name in before and before[name] != after.get(name) and not is_stricter:
            yield name
    yield from (name for name in _USED if {*_words(after.get(name))} - {*_words(before.get(name))})
    if not _fails_as_much(_lines(before.get("filterwarnings")), _lines(after.get("filterwarnings"))):
        yield "filterwarnings"


def says_the_same(folder: str, base: Read, head: Read) -> bool:
    """Whether pytest has the same settings in a folder on both sides, from whatever file, and in whatever version.

    :param folder: with a slash at its end, or nothing for the root.
    """
    for places in (tuple(_PLACES), [name for name in _PLACES if name not in _SINCE_9]):
        first, second = (_effective(folder, places, side) for side in (base, head))
        if first is None or first != second:
            return False
    return True


def _effective(folder: str, places: Iterable[str], read: Read) -> Mapping[str, list[str]] | None:
    for name in places:
        text = read(f"{folder}{name}")
        found = _settings(name, text) if text is not None else {}
        if found or (text is not None and name in HIDING):
            # TOML knows what is true, an ini file its word.
            texts = {key: str(value).lower() if isinstance(value, bool) else value for key, value in found.items()}
            return {key: _words(value) for key, value in texts.items() if key != "ini_options"}
    return None


def _runs_less(before: list[str], after: list[str]) -> bool:
    """Whether by the options of the second side fewer tests run, or fail; most may stand in any order."""
    old, new = _counting(before), _counting(after)
    narrower = {(name, value) for name, value in new - old if name in _LEAVES_OUT and not _is_stricter(name, value)}
    failing = {(name, value) for name, value in old if name in _FAILING or _is_stricter(name, value)}
    # A plugin may run or fail anything.
    gone = {(name, value) for name, value in old - new if name == "-p" and not value.startswith("no:")}
    files = {value for name, value in new if not name}
    of_old = {value for name, value in old if not name}
    is_narrower = bool(files) and not (of_old and of_old <= files)
    least = [max((_number(value) for name, value in side if name == _COVERED), default=-1.0) for side in (old, new)]
    # Of two filters of warnings that fit, the last one counts.
    filters = [[value for name, value in _options(side) if name == _FILTER] for side in (before, after)]
    is_less = not _fails_as_much(*filters) or is_narrower or least[0] > least[1]
    return bool(narrower or gone or failing - new) or is_less


def _counting(words: list[str]) -> set[tuple[str, str]]:
    """The options, without those that a later one of the same name takes the place of."""
    found = [*_options(words)]
    last = dict(found)
    return {(name, value) for name, value in found if name not in _LAST_COUNTS or last[name] == value}


def _is_stricter(name: str, value: str) -> bool:
    """By this one more tests fail."""
    return name == _FILTER and value.startswith("error")


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """The options, each with its value; files and folders of tests without a name."""
    left = [*words]
    before = ""
    while left:
        word = left.pop(0)
        if word.startswith("--"):
            name, sign, value = word.partition("=")
            if not sign and (name in _NARROWING or name in _WITH_VALUE or name == _COVERED) and left:
                value = left.pop(0)
            yield _NARROWING.get(name, name), value
        elif word.startswith("-") and word != "-":
            yield from _letters(word, left)
        elif not before or not before.startswith("-") or "=" in before or before in _FLAGS or _is_of_tests(word):
            yield "", word
        else:
            yield _VALUE_OR_FILE, word
        before = word


def _letters(word: str, left: list[str]) -> Iterator[tuple[str, str]]:
    """Options of one letter, which may stand together: ``-qk name``.

    :param left: the words behind it, of which the value is taken.
    """
    for number, letter in enumerate(word[1:], 2):
        name = f"-{letter}"
        if name in _NARROWING or name in _WITH_VALUE:
            value = word[number:].removeprefix("=")
            yield _NARROWING.get(name, name), value or (left.pop(0) if left else "")
            return
        yield name, ""


def _is_of_tests(word: str) -> bool:
    return "::" in word or word.endswith(".py")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _covered(path: str, text: str) -> float:
    """The part of the code, in percent, that tests must cover, or they fail.

    https://coverage.readthedocs.io/en/latest/config.html#report-fail-under
    """
    try:
        if path.endswith(".toml"):
            found = tomllib.loads(text).get("tool", {}).get("coverage", {}).get("report", {}).get("fail_under", 0)
        else:
            parser = configparser.ConfigParser(interpolation=None)
            parser.read_string(text)
            report = "report" if path.endswith(".coveragerc") else "coverage:report"
            found = parser.get(report, "fail_under", fallback="0")
        return _number(str(found))
    except (tomllib.TOMLDecodeError, configparser.Error, AttributeError, TypeError):
        return 0.0


def _fails_as_much(before: list[str], after: list[str]) -> bool:
    """Whether every warning that failed a test still does: of two filters that fit, the last one counts."""
    fails = [each for each in before if each.startswith("error")]
    return not fails or ({*fails} <= {*after} and _excepted(after) <= _excepted(before))


def _excepted(filters: list[str]) -> set[tuple[str, str]]:
    """The filters that take something from one that fails tests, because they stand behind it: both."""
    return {
        (failing, each)
        for number, failing in enumerate(filters)
        for each in filters[number:]
        if failing.startswith("error") and not each.startswith("error")
    }


def _new_plugins(path: str, base: str, head: str) -> Iterator[Objection]:
    """The plugins that pytest loads wherever the project is installed.

    https://docs.pytest.org/en/stable/how-to/writing_plugins.html#making-your-plugin-installable-by-others
    """
    before, after = (_plugins(path, text) for text in (base, head))
    for name in sorted(name for name in after if after[name] != before.get(name)):
        yield _objection(path, f"the plugin {name}", before.get(name), after[name])


def _plugins(path: str, text: str) -> Mapping[str, Any]:
    try:
        project = tomllib.loads(text).get("project", {}) if path.endswith(_PYPROJECT) else {}
        return dict(project.get("entry-points", {}).get("pytest11", {}))
    except (tomllib.TOMLDecodeError, AttributeError, TypeError, ValueError):
        return {}


def hides_settings(path: str, base: str | None, head: str) -> bool:
    """Whether pytest finds settings in a file where it found none, and so none in the folders around it."""
    return bool(_settings(path, head)) and not (base and _settings(path, base))


def _objection(path: str, name: str, before: Any, after: Any) -> Objection:
    says = f"{name} of pytest in {path} is {after!r}, before {before!r}."
    return Objection(objection_id("tests_left_out", f"{before} -> {after}"), f"{path}: {name}", says, _UNTESTED)


def _settings(path: str, text: str) -> Mapping[str, Any]:
    name = path.rpartition("/")[2]
    try:
        if name.endswith(".toml"):
            found = tomllib.loads(text)
            for part in _PLACES[name].split("."):
                found = found.get(part, {})
            return {**found, **found.get("ini_options", {})} if name == _PYPROJECT else found
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
        return dict(parser[_PLACES[name]]) if name in _PLACES and _PLACES[name] in parser else {}
    except (tomllib.TOMLDecodeError, configparser.Error, AttributeError, TypeError):
        return {}


def _words(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    try:
        return shlex.split(str(value or ""))
    except ValueError:
        return str(value).split()


def _lines(value: Any) -> list[str]:
    """The entries of a list, which stand in lines where there are no lists."""
    lines = value if isinstance(value, list) else str(value or "").splitlines()
    return [" ".join(str(each).split()) for each in lines if str(each).strip()]
