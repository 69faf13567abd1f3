"""Writes docs/reference.md from the code: the props of the construct, every command, the checks, the permissions.

``python -m tools.reference --write`` writes it; without ``--write`` it says whether the page is what the code has.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import lab.cli.commands
import securetrail.review.cli
import verify.cli
from lab.instance.folder import default_home
from verify.posture.check import CHECKS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference.md"
_PERMISSIONS_OF = ("check", "score", "who", "events", "detective", "integrity", "logs show")
_DEFAULT = re.compile(r"\s*Default:\s*(?:-\s*)?(.*)$")

# The constructs, and the module of each.
_CONSTRUCTS = {
    "SecureTrail": "secure_trail.py",
    "LogArchive": "log_archive.py",
    "LogReplica": "storage/log_replica.py",
}
# The value that a prop or a field is given, by the module that makes it, in the order of the page.
_VALUES = {
    "SecurityProfile": "compliance/profiles.py",
    "EventSelector": "recording/event_selectors.py",
    "Condition": "recording/event_fields.py",
    "EventCategory": "recording/event_fields.py",
    "Operator": "recording/event_fields.py",
    "ReadWrite": "recording/event_fields.py",
    "Insight": "recording/insights.py",
    "InsightType": "recording/insights.py",
    "AggregationTemplate": "recording/insights.py",
    "ReplicaTarget": "storage/log_replica.py",
    "required_bucket_policy": "storage/required_policies.py",
    "required_key_policy": "storage/required_policies.py",
}
# What the construct is called where its methods are shown.
_INSTANCES = {"SecureTrail": "trail", "LogArchive": "archive"}


def page() -> str:
    """The whole document, in Markdown."""
    lines = [
        "# Reference",
        "",
        "<!-- Written by: python -m tools.reference --write -->",
        "",
        "What the code has, as it has it. A test keeps this page and the code equal.",
        "",
        *_props(),
        *_values(),
        *_commands(),
        *_checks(),
        *_permissions(),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _props() -> Iterator[str]:
    """The props of the constructs, then the fields of each group of them."""
    for name, module in _CONSTRUCTS.items():
        (construct,) = (each for each in _classes(module) if each.name == name)
        body = [each for each in construct.body if isinstance(each, ast.FunctionDef)]
        (initializer,) = (each for each in body if each.name == "__init__")
        types = {each.arg: ast.unparse(each.annotation) for each in initializer.args.kwonlyargs if each.annotation}
        yield from (f"## Props of {name}", "")
        yield from _table("Prop", construct, types)
        yield from _calls("Method", _INSTANCES.get(name, ""), construct, lambda each: not each.decorator_list)
    yield from ("## Groups of props", "", "What means something only together is one value.", "")
    for group in (
        *_classes("groups.py"),
        *(each for each in _classes("log_archive.py") if each.name == "ArchivedTrail"),
    ):
        fields = [each for each in group.body if isinstance(each, ast.AnnAssign)]
        yield from (f"### {group.name}", "", _summary(group), "")
        yield from _table("Field", group, {ast.unparse(each.target): ast.unparse(each.annotation) for each in fields})


def _values() -> Iterator[str]:
    """What props and fields are given that is no group: its fields, or its members, and the calls that make it."""
    yield from ("## Values", "", "What a prop or a field is given, and how it is made.", "")
    for name, module in _VALUES.items():
        (value,) = (each for each in _definitions(module) if each.name == name)
        yield from (f"### {name}", "", _summary(value), "")
        if isinstance(value, ast.FunctionDef):
            yield from (f"`{name}({_arguments(value.args)})`", "")
            continue
        if [ast.unparse(each) for each in value.bases] == ["Enum"]:
            members = (each.targets[0] for each in value.body if isinstance(each, ast.Assign))
            yield from (", ".join(f"`{name}.{ast.unparse(each)}`" for each in members) + ".", "")
            continue
        fields = [each for each in value.body if isinstance(each, ast.AnnAssign)]
        yield from _table("Field", value, {ast.unparse(each.target): ast.unparse(each.annotation) for each in fields})
        yield from _calls("Call", name, value, lambda each: "classmethod" in map(ast.unparse, each.decorator_list))


def _calls(what: str, on: str, of: ast.ClassDef, is_shown: Callable[[ast.FunctionDef], bool]) -> Iterator[str]:
    """A row for each public method that is shown."""
    methods = [
        each
        for each in of.body
        if isinstance(each, ast.FunctionDef) and not each.name.startswith("_") and is_shown(each)
    ]
    if methods:
        yield from (f"| {what} | What it does |", "|---|---|")
        yield from (
            f"| `{on}.{each.name}({_arguments(each.args, is_method=True)})` | {_cell(_summary(each))} |"
            for each in methods
        )
        yield ""


def _arguments(of: ast.arguments, *, is_method: bool = False) -> str:
    """As they are written, without types, and without the instance or the class."""
    plain = copy.deepcopy(of)
    plain.args = plain.args[is_method:]
    for each in (*plain.args, *plain.kwonlyargs, *filter(None, [plain.vararg])):
        each.annotation = None
    return ast.unparse(plain)


def _summary(of: ast.ClassDef | ast.FunctionDef) -> str:
    """The first paragraph of its docstring."""
    return (ast.get_docstring(of) or "").partition("\n\n")[0].replace("\n", " ").replace("``", "`")


def _classes(module: str) -> Iterator[ast.ClassDef]:
    return (each for each in _definitions(module) if isinstance(each, ast.ClassDef))


def _definitions(module: str) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    tree = ast.parse((ROOT / "constructs_lib" / module).read_text(encoding="utf-8"))
    return (each for each in tree.body if isinstance(each, ast.ClassDef | ast.FunctionDef))


def _table(what: str, of: ast.ClassDef, types: Mapping[str, str]) -> Iterator[str]:
    """A row for each of these names that the class's docstring explains."""
    yield from (f"| {what} | Type | What it does | Default |", "|---|---|---|---|")
    for name, text in re.findall(r"^:param (\w+): (.*?)(?=^:|\Z)", ast.get_docstring(of) or "", re.M | re.S):
        if name in types:
            meaning, default = _with_default(" ".join(text.split()))
            yield f"| `{name}` | {_cell(types[name])} | {_cell(meaning)} | {_cell(default)} |"
    yield ""


def _with_default(text: str) -> tuple[str, str]:
    found = _DEFAULT.search(text)
    return (text[: found.start()], found[1]) if found else (text, "")


def _commands() -> Iterator[str]:
    yield from ("## Commands", "")
    yield from _command(verify.cli.build_parser())
    yield from _command(lab.cli.commands.build_parser())
    yield from _command(securetrail.review.cli.build_parser())


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    inner = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]  # noqa: SLF001
    if not any(each.required for each in inner):  # it can be called by itself
        yield from (f"### {parser.prog}", "")
        yield from ((parser.description or "").strip().partition("\n\n")[0].replace("\n", " "), "")
        yield from ("| | |", "|---|---|")
        own = [each for each in parser._actions if each not in inner]  # noqa: SLF001
        yield from map(_option, (each for each in own if each.help != argparse.SUPPRESS))
        yield ""
    for group in inner:
        for each in dict.fromkeys(group.choices.values()):
            yield from _command(each)


def _option(action: argparse.Action) -> str:
    names = ", ".join(f"`{name}`" for name in action.option_strings)
    choices = "\\|".join(map(str, action.choices or ()))
    shown = action.metavar if isinstance(action.metavar, str) else choices or action.dest.upper()
    takes_value = action.nargs != 0
    value = f"`{shown}`".replace("|", "\\|").replace("\\\\|", "\\|") if takes_value else ""
    help_text = (action.help or "") % {**vars(action), "prog": ""} if "%(" in (action.help or "") else action.help or ""
    # Where the lab is, is another place for each reader.
    help_text = help_text.replace(str(default_home()), ".lab in the project")
    return f"| {' '.join(filter(None, (names, value)))} | {_cell(help_text)} |"


def _checks() -> Iterator[str]:
    yield from ("## Checks", "", "Of `python -m verify check`, in its order.", "")
    yield from ("| Check | Group | Expected | Why | Controls |", "|---|---|---|---|---|")
    for each in CHECKS:
        number = f"{each.number}. " if each.number else ""
        cells = (f"{number}{each.title} (`{each.id}`)", each.group, each.expected, each.why, ", ".join(each.controls))
        yield f"| {' | '.join(map(_cell, cells))} |"
    yield ""


def _permissions() -> Iterator[str]:
    yield from ("## Permissions", "", "What a command needs; `--print-iam-policy` prints the policy itself.", "")
    yield from ("| Command | Actions |", "|---|---|")
    for command in _PERMISSIONS_OF:
        yield f"| `{command}` | {', '.join(f'`{each}`' for each in _actions(command))} |"


def _actions(command: str) -> Iterable[str]:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        verify.cli.main([*command.split(), "--print-iam-policy", "--region", "us-east-1"])
    policy = json.loads(printed.getvalue())
    actions = {action for each in policy["Statement"] for action in _listed(each["Action"])}
    return sorted(actions)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _cell(text: str) -> str:
    text = re.sub(r":\w+:`(\w+)`", r"`\1`", text)  # a reference, as docstrings write it
    return " ".join(text.replace("``", "`").split()).replace("|", "\\|").replace("\\\\|", "\\|").replace("<", "&lt;")


def main() -> int:
    """The command line; 1 if the page is not what the code has."""
    parser = argparse.ArgumentParser(prog="python -m tools.reference", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the page")
    arguments = parser.parse_args()
    wanted = page()
    if arguments.write:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    is_same = PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted
    if not is_same:
        print("docs/reference.md is not what the code has. Fix: python -m tools.reference --write")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())
