"""What documents and docstrings name exists: files, folders, modules, functions; and the tree is that of the disk."""

import ast
import importlib.util
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tools import architecture

pytestmark = pytest.mark.regular

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/*.md")]
)
PACKAGES = sorted(
    path.relative_to(ROOT).as_posix() for part in architecture.PARTS for path in (ROOT / part).rglob("__init__.py")
)
CODE = re.compile(r"(?<!`)(`{1,2})(?!`)(.+?)\1(?!`)", re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)")
ANCHORED = re.compile(r"\]\((?!https?:|mailto:)([^)#]*)#([^)]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
PLACE = re.compile(
    r"(?P<path>\.?[\w-]+(?:/[\w.-]+)*/|(?:[\w.-]+/)*[\w-]+\.(?:py|md|toml|json|sh|txt|yml))(?:::(?P<name>[\w.]+))?"
)
MODULE = re.compile(r"[a-z_]+(?:/[a-z_]+)*(?:\.py)?")
DOTTED = re.compile(rf"(?:{'|'.join(part for part in architecture.PARTS if '.' not in part)})(?:\.\w+)+")
# Not in the repository: what programs write, folders of a log bucket, scripts of the course. A file of each package.
ELSEWHERE = re.compile(
    r"(alias|\.venv|node_modules|cdk\.out|AWSLogs|CloudTrail(-\w+)?|(lab-02-cloudtrail/)?scripts)/.*"
    r"|(lab|keys|bundle)\.json|__init__\.py"
)


@cache
def names_in(module: Path) -> frozenset[str]:
    """What a module defines: functions, classes, constants, and members of classes as ``Class.member``."""

    def defined(body: list[ast.stmt], before: str) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield f"{before}{node.name}"
            if isinstance(node, ast.ClassDef):
                yield from defined(node.body, f"{before}{node.name}.")
            if isinstance(node, ast.Assign):
                yield from (f"{before}{each.id}" for each in node.targets if isinstance(each, ast.Name))
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield f"{before}{node.target.id}"

    return frozenset(defined(ast.parse(module.read_text(encoding="utf-8")).body, ""))


def places_that_are_missing(text: str, folder: Path) -> list[str]:
    """The paths and functions that a document names and the disk does not have. A test file may lack its first folders.

    :param folder: the document's, from which its links lead on; other paths begin at the project's folder.
    """
    prose = FENCED.sub("", text)
    missing = [link for link in LINK.findall(prose) if not (folder / link).exists()]
    path = ""
    for _, code in CODE.findall(prose):
        if code.startswith("::"):  # another one of the same file
            name = code[2:]
        elif found := PLACE.fullmatch(code):
            path, name = found["path"], found["name"]
        else:
            continue
        place = ROOT / path
        if not place.exists() and place.name.startswith("test_"):
            place = next(ROOT.glob(f"tests/**/{path}"), place)
        is_there = place.is_dir() if path.endswith("/") else place.is_file()
        if not ELSEWHERE.fullmatch(path) and (not is_there or (name and name not in names_in(place))):
            missing.append(f"{path}::{name}" if name else path)
    return missing


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_place_that_a_document_names_exists(document: str) -> None:
    path = ROOT / document

    assert places_that_are_missing(path.read_text(encoding="utf-8"), path.parent) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`verify/aws.py`, `verify/`, `verify/aws.py::Aws.call`, `::Aws`, [it](docs/glossary.md)", []),
        ("`test_documents.py::PLACE`, `test_architecture.py`", []),
        ("`test_gone.py` and `test_documents.py::gone`", ["test_gone.py", "test_documents.py::gone"]),
        ("`verify/gone.py`", ["verify/gone.py"]),
        ("`verify/gone/`", ["verify/gone/"]),
        ("`verify/aws.py::gone`", ["verify/aws.py::gone"]),
        ("`verify/aws.py::Aws` and `::Aws.gone`", ["verify/aws.py::Aws.gone"]),
        ("[it](docs/gone.md#part)", ["docs/gone.md"]),
        ("```\nverify/gone.py `verify/gone.py`\n```", []),
        ("`make test` and `s3://bucket/key`", []),
    ],
)
def test_a_place_that_is_missing_is_found(text: str, missing: list[str]) -> None:
    assert places_that_are_missing(text, ROOT) == missing


def anchors_in(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them: a second heading of the same words ends in -1."""
    found: Counter[str] = Counter()
    anchors = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        anchors.add(f"{anchor}-{found[anchor]}" if found[anchor] else anchor)
        found[anchor] += 1
    return anchors


def anchors_that_are_missing(text: str, path: Path) -> list[str]:
    """The links of a document to headings that do not exist, in it or in another one.

    :param path: the document's own.
    """
    missing = []
    for place, anchor in ANCHORED.findall(FENCED.sub("", text)):
        other = path.parent / place if place else path
        content = text if other == path else other.read_text(encoding="utf-8") if other.is_file() else ""
        if anchor not in anchors_in(content):
            missing.append(f"{place}#{anchor}")
    return missing


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_heading_that_a_document_links_to_exists(document: str) -> None:
    path = ROOT / document

    assert anchors_that_are_missing(path.read_text(encoding="utf-8"), path) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("# The `one` (x), two\n[it](#the-one-x-two)", []),
        ("## [A link](x.md) here\n[it](#a-link-here)", []),
        ("## Twice\n## Twice\n[it](#twice-1) [it](#twice)", []),
        ("```\n# no heading\n```\n[it](#no-heading)", ["#no-heading"]),
        ("[it](docs/costs.md#what-it-costs) [it](docs/costs.md#gone)", ["docs/costs.md#gone"]),
        ("[it](docs/gone.md#gone)", ["docs/gone.md#gone"]),
        ("[it](https://example.com/#gone)", []),
    ],
)
def test_a_heading_that_is_missing_is_found(text: str, missing: list[str]) -> None:
    assert anchors_that_are_missing(text, ROOT / "README.md") == missing


def verbs_that_are_missing(text: str) -> list[str]:
    """The targets of make that a text calls for and the Makefile does not have."""
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return [
        verb for verb in re.findall(r"(?:`|^\s*|run: )make ([a-z][\w-]*)", text, re.MULTILINE) if verb not in targets
    ]


@pytest.mark.parametrize(
    "place", [*DOCUMENTS, ".ci/run", ".github/workflows/release.yml", ".github/workflows/review.yml"]
)
def test_a_target_of_make_that_is_named_exists(place: str) -> None:
    assert verbs_that_are_missing((ROOT / place).read_text(encoding="utf-8")) == []


def test_a_target_of_make_that_is_missing_is_found() -> None:
    assert verbs_that_are_missing(
        "`make gone`\nmake lost\n  - run: make away\n`make test TESTS=x`, which make a check"
    ) == [
        "gone",
        "lost",
        "away",
    ]


@pytest.mark.parametrize("document", [architecture.FOLDERS, architecture.MODULES], ids=lambda document: document.stem)
def test_the_tree_in_the_architecture_is_that_of_the_disk(document: Path) -> None:
    assert architecture.wanted(document) == document.read_text(encoding="utf-8"), (
        "Fix: python -m tools.architecture --write"
    )


def test_a_new_module_and_a_new_folder_change_the_tree(tmp_path: Path) -> None:
    for part in architecture.PARTS:
        module = tmp_path / part if part.endswith(".py") else tmp_path / part / "__init__.py"
        module.parent.mkdir(exist_ok=True)
        module.write_text(f'"""The part {part}: what it is for. More.\n"""\n')
    before, folders = architecture.tree(tmp_path), architecture.tree(tmp_path, with_modules=False)
    (tmp_path / "lab/new").mkdir()
    (tmp_path / "lab/new/__init__.py").write_text('"""New."""\n')
    (tmp_path / "lab/module.py").write_text('"""Reads\nsomething (https://example.com/)."""\n')

    added = [line.split(maxsplit=1) for line in architecture.tree(tmp_path).splitlines() if line not in before]

    assert ["lab/", "The part lab: what it is for"] in [line.split(maxsplit=1) for line in before.splitlines()]
    assert added == [["module.py", "Reads something"], ["new/", "New"]]
    lines = architecture.tree(tmp_path, with_modules=False).splitlines()
    assert [line.split(maxsplit=1) for line in lines if line not in folders] == [["new/", "New"]]


def modules_that_are_missing(docstring: str, package: Path, root: Path) -> list[str]:
    """The modules and folders that a package's docstring names and that are not there.

    A single word is a module of the package, of one above it or of another distribution, or a name that the package's
    own modules define.
    """
    above = [package, *(each for each in package.parents if each.is_relative_to(root))]

    def is_there(name: str) -> bool:
        plain = name.removesuffix(".py")
        if any((each / f"{plain}.py").is_file() or (each / name).is_dir() for each in above):
            return True
        if name.endswith(".py") or "/" in name:
            return False
        return bool(importlib.util.find_spec(name)) or any(name in names_in(each) for each in package.glob("*.py"))

    return [name for _, name in CODE.findall(docstring) if MODULE.fullmatch(name) and not is_there(name)]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_module_that_a_package_names_exists(package: str) -> None:
    path = ROOT / package
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""

    assert modules_that_are_missing(docstring, path.parent, ROOT) == []


@pytest.mark.parametrize(
    ("docstring", "missing"),
    [
        ("Open `here` first, then ``beside.py`` and `part/inner/here.py`; `function` and `botocore` exist.", []),
        ("Open `gone` first.", ["gone"]),
        ("Open ``gone.py`` first.", ["gone.py"]),
        ("`inner/gone` is no file.", ["inner/gone"]),
    ],
)
def test_a_module_that_is_missing_is_found(tmp_path: Path, docstring: str, missing: list[str]) -> None:
    (tmp_path / "part/inner").mkdir(parents=True)
    (tmp_path / "part/inner/here.py").write_text("def function() -> None: ...\n")
    (tmp_path / "part/beside.py").touch()

    assert modules_that_are_missing(docstring, tmp_path / "part/inner", tmp_path) == missing


def dotted_names_that_are_missing(text: str) -> list[str]:
    """The modules, and names in them, that a text writes with dots in code, and that do not exist."""

    def is_there(dotted: str) -> bool:
        parts = dotted.split(".")
        for count in range(len(parts), 0, -1):
            place, rest = ROOT.joinpath(*parts[:count]), ".".join(parts[count:])
            module = next((each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()), None)
            if module is not None:
                exported = rest in module.read_text(encoding="utf-8") and module.name == "__init__.py"
                return not rest or rest in names_in(module) or exported
        return False

    return [
        code
        for _, code in CODE.findall(text)
        if DOTTED.fullmatch(code) and not ELSEWHERE.fullmatch(code) and not is_there(code)
    ]


def test_a_dotted_name_in_a_docstring_exists() -> None:
    missing = {
        path.relative_to(ROOT).as_posix(): found
        for part in (*architecture.PARTS, "tests")
        for path in ([ROOT / part] if part.endswith(".py") else (ROOT / part).rglob("*.py"))
        if path != Path(__file__)
        if (found := dotted_names_that_are_missing(path.read_text(encoding="utf-8")))
    }

    assert missing == {}


def test_a_dotted_name_that_is_missing_is_found() -> None:
    there = "`verify.aws`, :mod:`verify.errors`, ``verify.aws.Aws``, `constructs_lib.SecureTrail`, `lab.json`"

    assert dotted_names_that_are_missing(f"{there}, `verify.aws.gone`, `lab.gone`") == ["verify.aws.gone", "lab.gone"]
