"""Which of the files that judge a change are themselves changed, and what that takes away."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import metadata
from typing import Any, Final

from securetrail.review.machinery.collected import new_ends, new_hooks
from securetrail.review.machinery.dependencies import normal, other_places, versions, weaker_lock, with_included
from securetrail.review.machinery.makefile import HIDING, MAKEFILE, hidden_verbs, recipes, weaker_makefile
from securetrail.review.machinery.patches import new_patches
from securetrail.review.machinery.pytest_settings import HIDING as HIDES_SETTINGS
from securetrail.review.machinery.pytest_settings import (
    SETTINGS,
    hides_settings,
    leaves_out_tests,
    lets_pass,
    says_the_same,
)
from securetrail.review.machinery.shell import RUN_BY_CI, called_scripts, of_script
from securetrail.review.machinery.tests import lost_tests
from securetrail.review.machinery.workflows import scripts, weaker_action, weaker_workflows
from securetrail.review.objections import Objection, objection_id

CONTROL_MAP: Final = "constructs_lib/compliance/controls.json"
# Whoever changes these changes what is checked, or how.
_JUDGES: Final = (
    ".ci/*",
    ".github/CODEOWNERS",
    ".github/actions/*",
    ".github/workflows/*",
    "CODEOWNERS",
    "Makefile",
    "conftest.py",
    "*/conftest.py",
    "constructs_lib/compliance/*",
    "cdk.json",
    "docs/CODEOWNERS",
    "pyproject.toml",
    "pytest.ini",
    "requirements*.txt",
    "review-decisions.toml",
    "securetrail/*",
    "setup.cfg",
    "tests/tiers.py",
    "tools/review*",
    "tox.ini",
    "uv.lock",
    # Of the verifier, what the review runs.
    "verify/__init__.py",
    "verify/arn.py",
    "verify/policy/*",
    "verify/posture/__init__.py",
    "verify/posture/resource_policies/__init__.py",
    "verify/posture/resource_policies/cloudtrail_requests.py",
)
_WORKFLOWS: Final = (".github/workflows/*.yml", ".github/workflows/*.yaml")
_TESTS: Final = ("test_*.py", "*/test_*.py", "*_test.py")
# The names of cdk-nag's packs, of CDK's validators, and of our own function that adds packs.
_CHECKS: Final = ("Checks", "Validator", "rule_packs")
_UNRULED: Final = "Whatever these rules forbid can be deployed, and nobody is told."
_FOLDERS_OF_TESTS: Final = {"test", "tests"}
_LOCKS: Final = ("requirements*.txt", "*/requirements*.txt", "*.lock", "*package-lock.json", "*npm-shrinkwrap.json")
_INSTALLERS: Final = (".npmrc", "package.json", "pip.conf", "pip.ini", "pyproject.toml", "uv.toml")
_ACTIONS: Final = ("action.yml", "action.yaml")
_LOCKS_OF_ROOT: Final = ("requirements-dev.txt", "requirements.lock", "requirements.txt", "uv.lock")
_MAKEFILES: Final = (".mk", "/Makefile")
# How Python finds a module: by source, compiled, or by a library of the system.
_MODULES: Final = (".py", ".pth", ".pyc", ".pyd", ".so")
_OF_PYTEST: Final = ("_pytest", "pytest", "sitecustomize", "usercustomize")
_OWN: Final = "securetrail"
# What tests are made of: another one of these lets any test pass.
_RUNS_TESTS: Final = ("_pytest", "builtins", "pytest", "unittest")
# That they are gone lets a change through by itself: others are read from the base, or by another file that is named.
_MUST_STAY: Final = (".github/actions/*", "Makefile", "cdk.json", "tools/review*")
# GitHub reads no larger file of owners:
# https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners#codeowners-file-size
_LARGEST_OWNERS_BYTES: Final = 3_000_000
# Of cdk.json: what a deployment does and no synth shows. Which of two values asks more, where there is an order.
_DEPLOYS: Final = (
    "build",
    "caBundlePath",
    "ignoreErrors",
    "plugin",
    "profile",
    "proxy",
    "roleArn",
    "tags",
    "toolkitBucket",
    "toolkitStackName",
)
_VALIDATES: Final = re.compile(r"@aws-cdk/[\w-]+:validate")
_APPROVAL: Final = ("never", "broadening", "any-change")
# In the order in which GitHub looks for it.
_OWNERS: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")

Read = Callable[[str], str | None]


def judging_files(changed: Iterable[str]) -> tuple[str, ...]:
    """Those of the changed files that judge changes."""
    return tuple(sorted(name for name in changed if _fits(name, _JUDGES)))


def compare_machinery(
    changed: Iterable[str], base: Read, head: Read, workflows_of_base: Iterable[str] = ()
) -> tuple[Objection, ...]:
    """What the change takes away of tests, workflows, locks, owners and the control map.

    :param changed: the files that differ.
    :param base: the text of one of the base's files, None for one that is not there; likewise ``head``.
    :param workflows_of_base: the paths of all its workflows, which say what a Makefile must do.
    """
    names = sorted(changed)
    tests = [name for name in names if _fits(name, _TESTS)]
    workflows = [name for name in names if _fits(name, _WORKFLOWS)]
    sources = [name for name in names if name.endswith(".py") and name not in tests and not name.startswith("tests/")]
    found = [*lost_tests(_texts(tests, base), _texts(tests, head))]
    found += lost_checks(_texts(sources, base), _texts(sources, head))
    others = _texts(sorted({*workflows_of_base} - {*workflows}), base)
    found += weaker_workflows(_texts(workflows, base), _texts(workflows, head), others)
    of_base = tuple(_texts(sorted({*workflows, *workflows_of_base}), base).values())
    makefile, new = base(MAKEFILE), [name for name in names if base(name) is None]
    commands = (*(line for text in of_base for line in scripts(text)), *recipes(makefile or "", of_base))
    called = called_scripts(commands, base, names)
    for name in names:
        # How a test of it ends has been said.
        said = " ".join(each.says for each in found if each.resource.startswith(f"{name}::"))
        found += (
            each
            for each in _of_file(name, base(name), head(name), makefile, of_base)
            if not said or each.resource.rpartition(" ")[2] not in said
        )
        found += _of_pytest(name, base, head)
        found += of_script(name, base(name), head(name)) if name in called or _fits(name, RUN_BY_CI) else ()
        known = {each.resource for each in found}
        found += (each for each in _patches(name, base, head(name) or "") if each.resource not in known)
    found += weaker_locks(names, base, head)
    found += hidden_verbs(head(MAKEFILE) or "", of_base, new)
    found += hidden_modules(new, base)
    if {*names} & {*_OWNERS}:
        found += lost_owners(base, head)
    if CONTROL_MAP in names:
        found += lost_controls(base(CONTROL_MAP) or "{}", head(CONTROL_MAP) or "{}")
    return tuple(found)


def _of_file(
    name: str, before: str | None, after: str | None, makefile: str | None, workflows: Iterable[str]
) -> Iterator[Objection]:
    """What one of the files that differ takes away.

    :param before: the base's text; likewise ``after``.
    :param makefile: the base's.
    :param workflows: the texts of the base's workflows.
    """
    if before is not None and after is None and _fits(name, _MUST_STAY):
        says = f"{name} is gone, which says what is checked."
        yield Objection("judge_removed", name, says, "What it checked is not checked any more.")
    elif makefile is not None and (name == MAKEFILE or (before is None and name in HIDING)):
        yield from weaker_makefile(makefile, after or "", workflows)
    elif before is not None and name.endswith(_MAKEFILES):
        yield from weaker_makefile(before, after or "", workflows, name)
        # What another Makefile includes stands in it.
        if makefile is not None and re.search(rf"^[-s]?include\s.*\b{re.escape(name)}\b", makefile, re.MULTILINE):
            yield from weaker_makefile(f"{makefile}\n{before}", f"{makefile}\n{after or ''}", workflows)
    else:
        yield from _of_settings(name, before, after)


def _of_pytest(name: str, base: Read, head: Read) -> Iterator[Objection]:
    """What a file takes away in which pytest may have its settings, unless another one has the same now."""
    folder, slash, last = name.rpartition("/")
    before, after = base(name), head(name)
    if last not in SETTINGS:
        return
    is_moved = says_the_same(f"{folder}{slash}", base, head)
    if not is_moved and _hides_settings(name, before, after):
        says = f"{name} is new, so that pytest reads its settings there and nowhere else."
        yield Objection("tests_left_out", name, says, "What the tests showed can break, and nobody is told.")
    elif not is_moved:
        yield from leaves_out_tests(name, before or "", after or "")
    yield from lets_pass(name, before or "", after or "")


def _hides_settings(name: str, before: str | None, after: str | None) -> bool:
    *folders, last = name.split("/")
    if after is None or not (not folders or folders[0] in _FOLDERS_OF_TESTS):
        return False
    if last in HIDES_SETTINGS:
        return before is None
    return bool(folders) and last in SETTINGS and hides_settings(last, before, after)


def weaker_locks(changed: Collection[str], base: Read, head: Read) -> Iterator[Objection]:
    """What locks pin less than before: those that differ, and those that include a file that does."""
    for name in sorted({*changed, *_LOCKS_OF_ROOT}):
        before, after = (with_included(name, side) for side in (base, head))
        is_lock = _fits(name, _LOCKS) or (name.endswith((".txt", ".in")) and "--hash=" in (before or ""))
        if before != after and after is not None and is_lock:
            yield from weaker_lock(name, before or "", after)


def _of_settings(name: str, before: str | None, after: str | None) -> Iterator[Objection]:
    last = name.rpartition("/")[2]
    if last in _INSTALLERS:
        yield from other_places(name, before or "", after or "")
    if name.endswith(".py"):
        is_test = _fits(name, _TESTS)
        is_of_tests = is_test or last == "conftest.py" or bool(_FOLDERS_OF_TESTS & {*name.split("/")[:-1]})
        # Hooks are wherever a conftest.py, a setting or an option of pytest has them from.
        found = [] if is_test else [*new_hooks(name, before or "", after or "", is_of_tests=is_of_tests)]
        yield from found or (new_ends(name, before or "", after or "") if is_of_tests else ())
    elif last in _ACTIONS and before is not None:
        yield from weaker_action(name, before, after or "")
    elif last == "cdk.json":
        yield from other_deployment(name, before or "{}", after or "{}")


def _patches(name: str, base: Read, head: str) -> Iterator[Objection]:
    """What a module of tests newly puts in the place of what is tested."""
    *folders, last = name.split("/")
    is_test = _fits(name, _TESTS)
    if not name.endswith(".py") or not (is_test or last == "conftest.py" or _FOLDERS_OF_TESTS & {*folders}):
        return
    around = ("/".join((*folders[:number], "conftest.py")) for number in range(len(folders) + 1))
    texts = "\n".join(text for each in around if each != name and (text := base(each)) is not None)

    def is_own(module: str) -> bool:
        places = (f"{folder}{module}{end}" for folder in ("", "src/") for end in (".py", "/__init__.py"))
        is_elsewhere = module in sys.stdlib_module_names or module in _installed()
        return module in _RUNS_TESTS or any(base(each) is not None for each in places) or not is_elsewhere

    yield from new_patches(name, base(name) or "", head, is_own, is_test=is_test, around=texts)


def lost_checks(base: Mapping[str, str], head: Mapping[str, str]) -> tuple[Objection, ...]:
    """The rule packs and validators that the source of the app does not call any more, or not always.

    A pack that finds nothing is in no validation report, so that the source alone tells that it is gone.

    :param base: the texts of the base's Python files that the change touches, by path; likewise ``head``.
    """
    before, after = ({call for text in side.values() for call in _checks(text)} for side in (base, head))
    left = {name for name, _ in after}
    found = [
        Objection("rule_pack_removed", name, f"The app does not call {name} any more where it did.", _UNRULED)
        for name in sorted({name for name, _ in before} - left)
    ]
    for name in sorted({name for name, _ in before} & left):
        old, new = ([conditions for each, conditions in side if each == name] for side in (before, after))
        if not all(any(now <= was for now in new) for was in old):
            fewest = min(sorted(map(sorted, new)), key=len)
            given = " and ".join(fewest)
            says = f"The app calls {name} only under a condition that it did not need before: {given}."
            found.append(Objection(objection_id("rule_pack_conditional", given), name, says, _UNRULED))
    return tuple(found)


def _checks(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The calls, each with the conditions that it stands under."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    left: list[tuple[ast.AST, frozenset[str]]] = [(module, frozenset())]
    unused: set[ast.AST] = set()
    while left:
        node, conditions = left.pop()
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called.endswith(_CHECKS) and node not in unused:
                yield called, conditions
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            # A pack that is made and added to nothing; what adds packs is called like a function.
            name = ast.unparse(node.value.func).rpartition(".")[2]
            unused |= {node.value} if name[:1].isupper() else set()
        for part, value in ast.iter_fields(node):
            below = conditions | _condition(node, part)
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST):
                    left.append((each, below))
                    below |= _before_what_follows(node, each)


def _condition(node: ast.AST, part: str) -> set[str]:
    """Under which condition a part of a node runs."""
    if isinstance(node, ast.For) and part == "body":
        return {f"there is one of {ast.unparse(node.iter)}"}
    if isinstance(node, ast.GeneratorExp | ast.ListComp | ast.SetComp) and part == "elt":
        return {f"there is one of {ast.unparse(each.iter)}" for each in node.generators}
    if isinstance(node, ast.match_case) and part == "body":
        return {f"it is {ast.unparse(node.pattern)}"}
    if isinstance(node, ast.ExceptHandler) and part == "body":
        return {"something fails"}
    if not isinstance(node, ast.If | ast.IfExp | ast.While) or part == "test":
        return set()
    # An app is always started so.
    condition = ast.unparse(node.test)
    return {condition if part == "body" else f"not ({condition})"} - {"__name__ == '__main__'"}


def _before_what_follows(node: ast.AST, each: ast.AST) -> set[str]:
    """The condition of what stands behind a part of a node: that the part does not end it."""
    if isinstance(node, ast.BoolOp):
        text = ast.unparse(each)
        return {text if isinstance(node.op, ast.And) else f"not ({text})"}
    if isinstance(each, ast.If) and any(map(_ends, each.body)):
        return {f"not ({ast.unparse(each.test)})"}
    return {f"{ast.unparse(each)} does not end it"} if isinstance(each, ast.stmt) and _ends(each) else set()


def _ends(node: ast.stmt) -> bool:
    """Whether what stands behind a statement is not reached."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return ast.unparse(node.value.func) in ("exit", "os._exit", "quit", "sys.exit")
    return isinstance(node, ast.Break | ast.Continue | ast.Raise | ast.Return)


def hidden_modules(new: Iterable[str], base: Read) -> Iterator[Objection]:
    """The modules in the root that are new and take the place of Python's or an installed one, such as pytest's.

    ``python -m`` looks into the folder that it is started in before it looks anywhere else.
    """
    modules = {name.split("/")[0].split(".")[0] for name in new if name.endswith(_MODULES)} - {"test"}
    if not modules:
        return
    pinned = {each for lock in _LOCKS_OF_ROOT if (text := base(lock)) for each in versions(lock, text)}
    # A package has modules of other names: of PyYAML it is yaml.
    installed = {
        module for module, packages in _installed().items() if {normal(each) for each in packages} & (pinned - {_OWN})
    }
    hidden = {*sys.stdlib_module_names, *_OF_PYTEST, *(each.replace("-", "_") for each in pinned), *installed}
    for module in sorted(modules & hidden):
        says = f"The module {module} in the root is new, and is imported in the place of the installed one."
        yield Objection(
            "module_hidden", module, says, "Tests, linters or the synth run something else, and say nothing."
        )


@cache
def _installed() -> Mapping[str, list[str]]:
    """The modules of the running environment, which is the base's, each with the packages that have it."""
    return metadata.packages_distributions()


def other_app(path: str, before: str, after: str) -> tuple[Objection, ...]:
    """That a cdk.json runs another app, where the review has been told which one to synthesize: it has not seen it.

    :param path: of the cdk.json.
    :param before: the base's app, as JSON; likewise ``after``.
    """
    if before == after:
        return ()
    return (
        Objection(
            objection_id("app_changed", f"{before} -> {after}"),
            path,
            f"{path} runs {after}, before {before}, and the review synthesizes what --app names.",
            "A deployment runs an app that nobody has reviewed.",
        ),
    )


def other_deployment(path: str, before: str, after: str) -> Iterator[Objection]:
    """What a cdk.json makes a deployment do that no synth shows: what runs before it, by which role, who is asked.

    :param path: of the cdk.json.
    :param before: the base's text; likewise ``after``.
    """
    old, new = _object(before), _object(after)
    asks = [str(each.get("requireApproval", "broadening")) for each in (old, new)]
    differs = [name for name in _DEPLOYS if new.get(name) and old.get(name) != new.get(name)]
    if asks[0] != asks[1] and not _asks_more(*asks):
        differs.append("requireApproval")
    for name in _validations_off(old, new):
        says = f"{name} is not true any more in {path}: what breaks a rule of CDK's own can be deployed."
        yield Objection("rule_pack_conditional", f"{path}: {name}", says, _UNRULED)
    for name in differs:
        first, second = (json.dumps(each.get(name), sort_keys=True) for each in (old, new))
        yield Objection(
            objection_id("deployment_changed", f"{name}: {first} -> {second}"),
            path,
            f"{name} in {path} is {second}, before {first}, and no synth shows what that does.",
            "Something else is deployed than what was reviewed, or by somebody else, or nobody is asked.",
        )


def _validations_off(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The settings by which what CDK's own validators find fails a synth, and that do not say so any more."""
    old, new = (each.get("context") for each in (before, after))
    flags = old if isinstance(old, dict) else {}
    now = new if isinstance(new, dict) else {}
    return sorted(
        name for name in flags if _VALIDATES.match(name) and flags[name] is True and now.get(name) is not True
    )


def _asks_more(before: str, after: str) -> bool:
    return {before, after} <= {*_APPROVAL} and _APPROVAL.index(after) > _APPROVAL.index(before)


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def lost_controls(base: str, head: str) -> tuple[Objection, ...]:
    """What is gone from the control map, or asks for something else.

    :param base: the map's text; likewise ``head``.
    """
    before, after = _controls(base), _controls(head)
    return tuple(
        Objection(
            "control_unmapped",
            f"{CONTROL_MAP}: {name}",
            f"The control {name} is {'gone from the map' if name not in after else 'met by something else now'}.",
            "Nobody is told when it is lost.",
        )
        for name, control in before.items()
        if after.get(name) != control
    )


def lost_owners(base: Read, head: Read) -> tuple[Objection, ...]:
    """The lines that are gone from CODEOWNERS, and those that take what a line of the base owns.

    GitHub reads one file, the first of three places, and of its lines the last one that fits a path.
    https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
    """
    read_before, read_after = (next((name for name in _OWNERS if side(name) is not None), "") for side in (base, head))
    before, after = _owners(base(read_before) or ""), _owners(head(read_after) or "")
    path = read_after or read_before
    if len((head(read_after) or "").encode()) > _LARGEST_OWNERS_BYTES >= len((base(read_before) or "").encode()):
        after = []
    found = [
        Objection(
            "owner_removed",
            f"{read_before}: {line.split()[0]}",
            f"{path} does not have the line {line!r} any more.",
            "Nobody who must agree is asked.",
        )
        for line in before
        if line not in after
    ]
    for number, line in enumerate(after):
        taken = next((old for old in after[:number] if old in before and _takes(line, old)), None)
        if taken is not None and not _was_later(line, taken, before):
            found.append(
                Objection(
                    "owner_overridden",
                    f"{path}: {line.split()[0]}",
                    f"In {path} the line {line!r} comes after {taken!r} and takes paths from it.",
                    "Nobody who must agree is asked.",
                )
            )
    return tuple(found)


def _takes(line: str, old: str) -> bool:
    """Whether a line may be about a path of another one, for which its owners did not answer."""
    (new_pattern, *owners), (old_pattern, *old_owners) = line.split(), old.split()
    if owners and {*owners} <= {*old_owners}:
        return False
    # A path from the root is compared with another one; a pattern may fit anything.
    first, second = (f"{pattern.strip('/')}/" for pattern in (new_pattern, old_pattern))
    are_paths = all("/" in each.rstrip("/") and not {*"*?[!"} & {*each} for each in (new_pattern, old_pattern))
    return not are_paths or first.startswith(second) or second.startswith(first)


def _was_later(line: str, old: str, before: list[str]) -> bool:
    return line in before and before.index(line) > before.index(old)


def _owners(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _controls(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
        # Which profiles meet it is what the construct does, not what the map asks for.
        return {
            entry["id"]: {key: value for key, value in entry.items() if key != "profiles"}
            for entry in document.get("controls", [])
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _texts(names: Iterable[str], read: Read) -> dict[str, str]:
    return {name: text for name in names if (text := read(name)) is not None}


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
