"""The rules of docs/architecture.md, as far as a test can check them."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from operator import and_, eq
from pathlib import Path

import pytest

from tests.imports import Graph, circle, import_graph, import_statements, order_faults
from verify import target

ROOT = Path(__file__).parents[1]
CDK_SIDE = ["app.py", "stacks", "constructs_lib"]
PARTS = [*CDK_SIDE, "examples", "verify", "lab", "securetrail", "tools", "benchmarks"]
# The direction of imports inside a part: each folder or module imports only from groups to its right.
ORDER = {
    "constructs_lib": (
        ("__init__",),
        ("secure_trail", "log_archive"),
        ("features",),
        ("choices", "log_buckets"),
        ("groups",),
        ("notifications", "analytics", "recording"),
        ("storage",),
        ("policies", "compliance"),
        ("validation", "inline_synthesizer"),
    ),
    "verify": (
        ("__init__", "__main__"),
        ("cli",),
        ("report",),
        ("hunt",),
        ("logs",),
        ("posture", "integrity", "events"),
        ("policy", "storage", "target"),
        ("selectors", "trail"),
        ("aws", "fact"),
        ("times", "credentials", "endpoints", "error_codes", "botocore_parts"),
        ("arn", "bucket_name", "errors", "global_services", "threads"),
    ),
    "verify.posture": (
        ("__init__",),
        ("check",),
        ("checks", "score", "ordered_fixes", "who"),
        ("fixes", "policy_changes"),
        ("resource_policies",),
        ("model",),
        ("facts",),
    ),
    "securetrail": (("__main__",), ("review",), ("completion", "parser", "printable", "wrapping", "__init__")),
    "securetrail.review": (
        ("cli",),
        ("judge", "report"),
        ("sides",),
        ("comparison",),
        ("granted",),
        ("changes", "controls", "decisions", "machinery"),
        ("access",),
        ("objections",),
        ("findings", "template"),
        ("errors", "progress", "__init__"),
    ),
    "securetrail.review.access": (
        ("__init__",),
        ("compare",),
        ("calls",),
        ("outsiders", "services", "takers", "words"),
        ("differences",),
        ("space",),
        ("actions", "boxes", "callers", "policies"),
        ("keys", "managed", "model"),
        ("texts",),
    ),
    "securetrail.review.template": (
        ("__init__",),
        ("assembly", "variants"),
        ("intrinsics",),
        ("stand_ins",),
        ("model",),
    ),
    "lab": (
        ("__main__",),
        ("cli",),
        ("guide",),
        ("scenarios",),
        ("instance",),
        ("server",),
        ("confinement",),
        ("cloudformation", "cloudtrail", "services"),
        ("delivery", "records"),
        ("ministack",),
        ("clock", "endpoint"),
        ("authorization", "errors", "handshake", "private_files", "protocol", "settings", "__init__"),
    ),
}
# Folders that import nothing of their part but themselves, and what they may import beside the standard library.
SELF_CONTAINED: dict[str, set[str]] = {
    "verify/policy": set(),
    "lab/authorization": set(),
    "lab/protocol": {"botocore"},
}
# The two processes of the lab, and what both may import. Beyond that neither imports anything of the other.
LAB_STARTED_BY_A_PERSON = {"__main__", "cli", "guide", "scenarios", "instance"}
LAB_SHARED = {"endpoint", "errors", "handshake", "private_files", "settings"}
MAX_MODULES = 15
PACKAGE_DOCSTRING_LINES = range(3, 9)


def sources(*places: str) -> list[Path]:
    return [
        path
        for place in places
        for path in ([ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py")))
    ]


@cache
def imports(path: Path) -> frozenset[str]:
    """The top-level package of every import in a file, also of those inside functions."""
    found: set[str] = set()
    for node in import_statements(path):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif node.module and not node.level:
            found.add(node.module.split(".")[0])
    return frozenset(found)


def calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize(
    ("part", "forbidden"),
    [
        (["verify"], {"aws_cdk", "cdk_nag", "constructs", "constructs_lib", "stacks", "app", "lab", "ministack"}),
        (["lab"], {"aws_cdk", "cdk_nag", "constructs", "constructs_lib", "stacks", "app", "verify"}),
        (CDK_SIDE, {"boto3", "botocore", "verify", "lab", "ministack", "urllib", "socket", "requests"}),
    ],
)
def test_the_parts_never_import_each_other(part: list[str], forbidden: set[str]) -> None:
    found = {
        (str(path.relative_to(ROOT)), name) for path in sources(*part) for name in imports(path) if name in forbidden
    }

    assert found == set()


@pytest.mark.parametrize("part", ORDER)
def test_imports_inside_a_part_go_one_way(part: str) -> None:
    assert order_faults(import_graph(ROOT, [part.partition(".")[0]]), part, ORDER[part]) == []


@pytest.mark.parametrize(("folder", "others"), SELF_CONTAINED.items())
def test_a_self_contained_folder_imports_nothing_else_of_its_part(folder: str, others: set[str]) -> None:
    package, part = folder.replace("/", "."), folder.partition("/")[0]
    graph = import_graph(ROOT, [part])
    inside = {module for module in graph if f"{module}.".startswith(f"{package}.")}
    elsewhere = {name for path in sources(folder) for name in imports(path)} - sys.stdlib_module_names - {part}

    assert inside
    assert {(module, target) for module in inside for target in graph[module] - inside} == set()
    assert elsewhere <= others


def test_the_labs_two_processes_share_five_modules_and_nothing_else() -> None:
    def side(module: str) -> str:
        folder = module.split(".")[1] if "." in module else ""
        return "shared" if folder in {"", *LAB_SHARED} else "person" if folder in LAB_STARTED_BY_A_PERSON else "server"

    across = {
        (module, target)
        for module, targets in import_graph(ROOT, ["lab"]).items()
        for target in targets
        if side(target) not in ("shared", side(module))
    }

    assert across == set()


def test_nothing_imports_what_stands_beside_the_parts() -> None:
    outside = sources(*CDK_SIDE, "examples", "verify", "lab")

    assert [path for path in outside if {"securetrail", "tools"} & set(imports(path))] == []


def test_only_the_adapter_imports_ministack() -> None:
    outside = [path for path in sources("lab") if path.parent != ROOT / "lab/ministack"]

    assert [path for path in outside if "ministack" in imports(path)] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circle(import_graph(ROOT, PARTS)) == []


TOP_LEVEL = {
    *("app.py", "cdk.json", "stacks", "constructs_lib", "verify", "tests"),  # the app and the verifier
    *("lab", "securetrail", "docs", "tools", "benchmarks", "examples"),
    *(".ci", ".editorconfig", ".github", ".gitignore", "Makefile", "package.json", "package-lock.json"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "UPGRADING.md"),
    # The locks: one for each environment that `make` installs.
    *("pyproject.toml", "requirements.txt", "requirements-dev.txt", "requirements-lab.txt"),
    *("requirements-checkov.txt", "requirements-prowler.txt", "requirements-trailscraper.txt"),
    *("requirements-docs.txt", "requirements-release.txt"),
    "review-decisions.toml",  # `securetrail review` reads it from the root of any repository
}


def test_make_lab_installs_what_each_documented_command_needs() -> None:
    """Part 8 of the guided lab reviews a change, which needs what neither the app nor the lab does."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    needed = {re.split("[><=]", each)[0].lower() for extra in told.values() for each in extra}
    lock = (ROOT / "requirements-lab.txt").read_text(encoding="utf-8")

    assert needed - set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)) == set()


def test_the_top_level_holds_what_is_expected_there() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: nothing tells the project's files from others")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {file.split("/")[0] for file in files.splitlines()} - TOP_LEVEL == set()


def test_a_folder_has_at_most_fifteen_modules() -> None:
    modules = Counter(
        path.parent.relative_to(ROOT).as_posix()
        for path in sources(*PARTS, "tests")
        if path.name not in ("__init__.py", "__main__.py")
    )

    assert {folder for folder, count in modules.items() if count > MAX_MODULES} == set()
    told = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    called_full = {
        folder
        for sentence in re.findall(r"[^.]*\bfull\b[^.]*\.", told)
        for folder in re.findall(r"`([\w/]+)/`", sentence)
    }
    assert {folder: modules[folder] for folder in called_full} == dict.fromkeys(called_full, MAX_MODULES)
    assert "lab/services" in called_full


PACKAGES = {path.parent.relative_to(ROOT).as_posix(): path for path in sources(*PARTS) if path.name == "__init__.py"}
NAMES = r"``?[\w.]+``?"
MAY_IMPORT = re.compile(rf"\bMay import (nothing|(?:{NAMES}, )*(?:{NAMES} and )?{NAMES})\.(?:\s|$)")


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_in_a_few_lines_what_it_is_for(package: str) -> None:
    lines = docstring(PACKAGES[package]).splitlines()

    assert sum(bool(line) for line in lines) in PACKAGE_DOCSTRING_LINES


def test_a_package_names_what_it_imports_and_nothing_else() -> None:
    graph = import_graph(ROOT, PARTS)
    found = {package: names_imported(ROOT, graph, package) for package in PACKAGES}
    named = {package: names_in_sentence(docstring(path)) for package, path in PACKAGES.items()}

    assert {
        package: f"write: {may_import(found[package])}" for package in found if named[package] != found[package]
    } == {}


def test_a_package_says_which_file_to_open_first() -> None:
    assert [name for name, path in PACKAGES.items() if not re.search(r"\bOpen (`|this module)", docstring(path))] == []


def test_a_package_says_where_a_name_is_a_distribution_and_not_the_folder_of_that_name() -> None:
    graph = import_graph(ROOT, PARTS)
    known = {part for module in graph for part in module.split(".")}
    own = {"tests", *(module.partition(".")[0] for module in graph)} | sys.stdlib_module_names
    unclear = {
        (package, name)
        for package, path in PACKAGES.items()
        for module in path.parent.rglob("*.py")
        for name in (imports(module) & known) - own
        if not re.search(rf"distribution.*`{name}`|`{name}`[^.]*distribution", docstring(path), re.DOTALL)
    }

    assert unclear == set()


def names_in_sentence(text: str) -> set[str] | str:
    """What the one sentence "May import …" of a docstring names; what is wrong with it, if it has no such sentence."""
    found = MAY_IMPORT.findall(" ".join(text.split()))
    if len(found) != 1:
        return f"{len(found)} sentences of the form: May import `name`, `name` and `name`. Or: May import nothing."
    return set(re.findall(r"`([\w.]+)`", found[0]))


def may_import(names: set[str]) -> str:
    """The sentence that names them."""
    *others, last = [f"``{name}``" for name in sorted(names)] or ["nothing"]
    return f"May import {', '.join(others)}{' and ' if others else ''}{last}."


def names_imported(base: Path, graph: Graph, package: str) -> set[str]:
    """What the modules of a folder import, without the standard library and without each other.

    :param base: the folder that is on Python's path.
    :param graph: the imports of all parts.
    :param package: the folder's path below ``base``.
    :returns: folders and modules beside it, or beside a folder that it is in, by their names in their part, such as
        ``aws`` or ``posture.model``; other parts and distributions by their own names.
    """
    own, parts = package.split("/"), {module.partition(".")[0] for module in graph}
    inside = {module for module in graph if module.split(".")[: len(own)] == own}
    names = set()
    for imported in {each for module in inside for each in graph[module] - inside}:
        levels = imported.split(".")
        shared = sum(accumulate(map(eq, levels, own), and_))
        names.add(".".join(levels[min(shared, 1) : shared + 1]))
    outside = {name for path in (base / package).rglob("*.py") for name in imports(path)}
    return names | (outside - sys.stdlib_module_names - parts)


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("Reads. May import ``a``, ``b.c`` and ``d``. Open.", {"a", "b.c", "d"}),
        ("May import `a`,\n`b`.", {"a", "b"}),
        ("May import `a` and\n`b`.\n", {"a", "b"}),
        ("May import `a`.", {"a"}),
        ("May import nothing.", set()),
    ],
)
def test_names_are_read_from_the_sentence(sentence: str, names: set[str]) -> None:
    assert names_in_sentence(sentence) == names_in_sentence(may_import(names)) == names


@pytest.mark.parametrize(
    "sentence", ["", "May import a.", "May import `a` (for b).", "May import nothing. May import `a`."]
)
def test_a_sentence_of_another_form_is_refused(sentence: str) -> None:
    assert "sentences of the form" in names_in_sentence(sentence)


def test_what_a_folder_imports_is_named_from_where_it_and_the_folder_part(tmp_path: Path) -> None:
    files = {
        "part/__init__.py": "",
        "part/low.py": "",
        "part/beside/__init__.py": "",
        "part/beside/deep.py": "",
        "part/own/__init__.py": "",
        "part/own/model.py": "",
        "part/own/inner/__init__.py": "import json\nimport part.own.inner.one\nfrom part.own import model\n",
        "part/own/inner/one.py": "def f():\n    from part.beside.deep import x\n    import boto3.session\n",
        "part/own/inner/two.py": "import part.low\nfrom other import y\n",
        "other/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    graph = import_graph(tmp_path, ["part", "other"])
    assert names_imported(tmp_path, graph, "part/own/inner") == {
        "own.model",
        "beside",
        "boto3",
        "low",
        "other",
    }
    assert names_imported(tmp_path, graph, "part/own") == {"beside", "boto3", "low", "other"}
    assert names_imported(tmp_path, graph, "part") == {"boto3", "other"}


@pytest.mark.parametrize(
    ("files", "faults"),
    [
        ({"top/a.py": "from part.low import b"}, []),
        ({"low/b.py": "import part.top.a"}, ["part.low.b imports part.top.a"]),
        ({"low/b.py": "def f():\n    from part.top.a import x"}, ["part.low.b imports part.top.a"]),
        (
            {"low/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from part.top import a"},
            ["part.low.b imports part.top.a"],
        ),
        ({"low/b.py": "from ..top.a import x"}, ["part.low.b imports part.top.a"]),
        ({"low/b.py": "from .. import top"}, ["part.low.b imports part.top"]),
        ({"low/b.py": "from part import x"}, ["part.low.b imports part"]),
        ({"low/b.py": "import part.beside"}, ["part.low.b imports part.beside"]),
        ({"low/b.py": "from part.low import c", "low/c.py": ""}, []),
        ({"extra.py": ""}, ["part has extra, which is not in the order"]),
        ({"beside.py": None}, ["beside is in the order of part and does not exist"]),
    ],
)
def test_an_import_that_goes_the_wrong_way_is_found(
    tmp_path: Path, files: dict[str, str | None], faults: list[str]
) -> None:
    tree = dict.fromkeys(("__init__.py", "top/__init__.py", "top/a.py", "low/__init__.py", "low/b.py", "beside.py"), "")
    for name, text in {**tree, **files}.items():
        path = tmp_path / "part" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_text(text)

    order = (("__init__",), ("top",), ("low", "beside"))
    assert order_faults(import_graph(tmp_path, ["part"]), "part", order) == faults


def test_a_circle_is_found_also_where_an_import_is_for_types_only(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    for name, imported in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"part/{name}.py").write_text(f"if TYPE_CHECKING:\n    from part.{imported} import x\n")

    found = circle(import_graph(tmp_path, ["part"]))

    assert (len(found), found[0]) == (4, found[-1])
    assert set(found) == {"part.a", "part.b", "part.c"}


def test_only_aws_py_builds_clients() -> None:
    aws, parts = ROOT / "verify/aws.py", ROOT / "verify/botocore_parts.py"
    using = {name: {path for path in sources("verify") if name in set(imports(path))} for name in ("boto3", "botocore")}

    assert using == {"boto3": set(), "botocore": {aws, parts}}


def test_only_a_constructs_props_are_excepted_from_the_limits_on_functions() -> None:
    """Limits of complexity and of arguments: C901, PLR0911, PLR0912, PLR0913, PLR0915, PLR1702."""
    limit = re.compile(r"noqa:.*\b(C901|PLR09|PLR17)")
    excepted = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sources(*PARTS, "tests")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "noqa" in line and limit.search(line) and not line.endswith("(a construct's props)")
    ]

    assert [each for each in excepted if Path(__file__).name not in each] == []
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert not re.search(r"\"(C901|PLR09|PLR17)", settings.partition("per-file-ignores")[2])


def test_only_the_command_line_prints() -> None:
    """In the verifier ``verify/cli`` and ``verify/report/terminal.py``, in the review ``cli``; and every program."""
    printing = (
        ".out.print",
        ".err.print",
        ".out.file.write",
        ".err.file.write",
        "sys.stdout.write",
        "sys.stderr.write",
    )
    elsewhere = [
        path
        for path in sources("verify", "lab", "securetrail", "constructs_lib", "stacks")
        if path.relative_to(ROOT).parts[1] != "cli"
        and path.name != "__main__.py"
        and path not in (ROOT / "verify/report/terminal.py", ROOT / "securetrail/review/cli.py")
    ]

    assert [
        str(path.relative_to(ROOT))
        for path in elsewhere
        if re.search(r"\bprint\b|\.write\b", path.read_text(encoding="utf-8"))  # most need not be parsed
        and any(call == "print" or call.endswith(printing) for call in calls(path))
    ] == []


def test_a_stack_makes_no_resource_and_nothing_looks_anything_up() -> None:
    made = {
        call
        for path in sources("stacks")
        for call in calls(path)
        if call.startswith(("cloudtrail.", "kms.", "s3.", "iam.", "cdk.CfnResource"))
    }
    looked_up = {
        call for path in sources(*CDK_SIDE) for call in calls(path) if call.endswith((".from_lookup", "_lookup"))
    }

    assert (made, looked_up) == (set(), set())


def test_the_verifier_runs_without_cdk_node_or_the_lab() -> None:
    """Blocks every package that the verifier must not need, then asks for help."""
    program = (
        "import sys\n"
        "for name in ('aws_cdk', 'cdk_nag', 'constructs', 'jsii', 'ministack'): sys.modules[name] = None\n"
        "from verify.cli import main\n"
        "main(['--help'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={"PATH": ""}, text=True, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "exit codes" in done.stdout


def test_stack_and_verifier_agree_on_the_output_names() -> None:
    snapshot = next((ROOT / "tests/cdk/__snapshots__").rglob("*reviewed*.json"))
    needed = {value for name, value in vars(target).items() if name.startswith("OUTPUT_")}
    assert len(needed) == 5
    assert needed <= set(json.loads(snapshot.read_text())["Outputs"])
