"""``python -m securetrail review``: what protection a change of a CDK app loses, and what it newly allows.

Synthesizes two sides, the base's commit and the working tree, and compares what their templates protect and allow. It
needs no AWS account, no credentials and no network once the base's environment is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime as dt
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from securetrail.parser import Parser
from securetrail.printable import printable
from securetrail.review.comparison import Repository, Review, compare_sides
from securetrail.review.comparison import review as judge
from securetrail.review.decisions import FILE, parse_decisions
from securetrail.review.errors import ReviewError, WrongUsage
from securetrail.review.judge import environment_of_judge, judge_of
from securetrail.review.machinery.dependencies import differing, versions
from securetrail.review.machinery.files import compare_machinery, judging_files, other_app
from securetrail.review.progress import step
from securetrail.review.report.as_json import as_json
from securetrail.review.report.document import document
from securetrail.review.report.github import workflow_commands
from securetrail.review.report.markdown import markdown
from securetrail.review.report.sarif import sarif
from securetrail.review.report.text import text
from securetrail.review.sides.environment import lock_of, python_for, text_of
from securetrail.review.sides.git import changed_files, commit_of, commits_missing, repository_of, worktree
from securetrail.review.sides.read import read_side
from securetrail.review.sides.synth import App, Synth, settings_of, synthesize

FORMATS: Final = ("text", "json", "markdown", "sarif")
_NOTHING, _OBJECTIONS, _USAGE, _UNKNOWN, _INTERRUPTED = 0, 1, 2, 3, 130
_COMMAND: Final = "python -m securetrail review"
_BOTH: Final = "both"
# Files whose programs see no mark at the beginning, and those to which a carriage return ends a line.
_MARKED: Final = (".py", ".toml", ".yaml", ".yml")
_OF_LINES: Final = (*_MARKED, ".cfg", ".in", ".ini", ".json", ".lock", ".md", ".txt")
_EPILOG: Final = f"""
exit codes:
  0  nothing to object to: what the base protects, the change protects as well
  1  objections; each says what is lost and where
  2  wrong usage
  3  the sides could not be compared, so that nobody knows: no template, a failed synth, an unreadable file

an objection that is intended:
  add it to {FILE} in the root of the repository, with the id and the resource as shown here:

    [[decision]]
    id = "log_bucket_keeps_logs: never -> 2555 days"
    resource = "SecureTrail/SecureTrailBucket89F6863C"
    reason = "Seven years are what the law asks for."
    expires = 2027-03-31

  A decision of the base counts. One that comes with the change counts with --allow-new-decisions.
  One that has expired, or that accepts nothing, is an objection itself.

examples:
  {_COMMAND} --app "python3 app.py" --base origin/main
  {_COMMAND} --base origin/main -c profile=compliance --format markdown
  {_COMMAND} --base v1.2.0 --json | jq '.objections[].id'
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; ``--help`` says what each exit code means."""
    arguments = build_parser().parse_args(argv)
    try:
        with _ended_by_signals():
            return _review(arguments)
    except WrongUsage as error:
        _say(f"error: {error}")
        return _USAGE
    except ReviewError as error:
        _say(f"error: {error}\nNothing was compared: whether protection is lost is not known.")
        return _UNKNOWN
    except KeyboardInterrupt:
        _say("stopped.")
        return _INTERRUPTED
    except Exception:  # noqa: BLE001 (a fault of the program is no objection: nobody knows)
        _say(f"{traceback.format_exc()}error: the review itself failed. Whether protection is lost is not known.")
        return _UNKNOWN


def build_parser() -> Parser:
    """The parser of the command line."""
    parser = Parser(
        prog=_COMMAND,
        # For a terminal, not for Sphinx.
        description=str(__doc__).replace("``", ""),
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--base",
        required=True,
        metavar="COMMIT",
        help="the branch, tag or commit to compare with, such as origin/main; its own code, environment and "
        "decisions judge",
    )
    add(
        "--app",
        metavar="COMMAND",
        help='how to run the app on both sides, such as "python3 app.py". Default: what each side\'s cdk.json has as '
        '"app"',
    )
    add(
        "-c",
        "--context",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a context value for both synths; may be given several times. What only another value makes, such as "
        "another profile, is not reviewed. Default: what each side's cdk.json has",
    )
    add(
        "--repository",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="where the app of the change is, with its cdk.json, in a working tree of git; what is not committed "
        "counts as well. Default: this folder",
    )
    add(
        "--lock",
        metavar="FILE",
        help="the file, below the repository's folder, that pins what the app needs; each side is synthesized with "
        "what its own pins. Default: the first of uv.lock, requirements.lock, requirements.txt",
    )
    add(
        "--installed-from",
        type=Path,
        metavar="FILE",
        help="the lock that the running environment was installed from: a side with the same lock uses it, and nothing "
        "is installed. Default: the change's own lock",
    )
    add(
        "--checkov",
        type=Path,
        metavar="FILE",
        help="what checkov --output json says of the change's assembly: its new findings and exceptions count as those "
        "of cdk-nag do",
    )
    add("--base-checkov", type=Path, metavar="FILE", help="the same of the base's assembly")
    add(
        "--assemblies",
        type=Path,
        metavar="FOLDER",
        help="write the cloud assemblies to FOLDER/base and FOLDER/head, and keep them; FOLDER/between is the base "
        "with the change's dependencies, if these differ",
    )
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument(
        "--synthesize-only",
        nargs="?",
        const=_BOTH,
        choices=(_BOTH, "base", "change"),
        help="end when the assemblies are written and can be read, with exit code 0; for other programs, such as "
        "checkov, to look at them, or for another machine. base and change write that side alone (default: both)",
    )
    modes.add_argument(
        "--no-synth",
        nargs="?",
        const=_BOTH,
        choices=(_BOTH, "change"),
        help="compare the assemblies that --synthesize-only wrote to the folder of --assemblies, and run no app; with "
        "change, run no code of the change, and synthesize the base alone (default: both). They are believed: "
        "whoever may write there decides what is reviewed",
    )
    add(
        "--allow-new-decisions",
        action="store_true",
        help=f"count the decisions that this change itself adds to {FILE}, or rewrites; without it each is an "
        "objection",
    )
    add(
        "--other-review",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a review of the same change as --json prints it, such as with another context; may be given several "
        f"times: what it uses of {FILE} is not unused here",
    )
    add("--format", choices=FORMATS, default="text", help="what to print (default: %(default)s)")
    add("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    add(
        "--also",
        action="append",
        default=[],
        metavar="FORMAT=FILE",
        help="write another format to a file as well, such as markdown=review.md; may be given several times",
    )
    add(
        "--title",
        default="Review",
        help="the heading, by which code scanning tells one review from another (default: %(default)s)",
    )
    return parser


def _review(arguments: argparse.Namespace) -> int:
    context, also = _pairs("--context", arguments.context), _pairs("--also", arguments.also)
    _check(arguments, also)
    folder = arguments.repository.resolve()
    root = repository_of(folder)
    commit = commit_of(root, arguments.base)
    with contextlib.ExitStack() as stack:
        with step("checking out the base", _progress):
            base_root = stack.enter_context(worktree(root, commit))
        base_folder = base_root / folder.relative_to(root)
        base_lock = lock_of(base_folder, arguments.lock)
        head_lock = lock_of(folder, arguments.lock)
        if arguments.lock is not None and base_lock is None and head_lock is None:
            raise WrongUsage(f"--lock {printable(arguments.lock)}: neither the base nor the change has this file")
        installed_from = arguments.installed_from or head_lock
        with step("installing the base's environment", _progress):
            who = judge_of(base_root, base_lock, installed_from, commit)
        if who.command:
            return _hand_over(who.command, who.folder, arguments, folder, base_lock)
        if arguments.assemblies is None:
            out = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="securetrail-assemblies-")))
        else:
            out = arguments.assemblies.resolve()
        locks = _Locks(base_lock, head_lock, installed_from)
        sides = _Sides(arguments, context, (base_folder, folder), locks, out)
        if arguments.synthesize_only:
            return _synthesize_only(sides, (base_root, root))
        # All that the files of either side say is read before code of the change runs, which may write to them; and
        # so is the base's assembly.
        touched = frozenset(changed_files(root, commit))
        notices = [who.notice, *_stale(root, commit)]
        repository = _repository(root, base_root, touched, locks.differences(), notices)
        elsewhere = frozenset(each for path in arguments.other_review for each in _objections_of(path))
        repository = dataclasses.replace(repository, elsewhere=elsewhere)
        if arguments.app:
            before_and_after = (json.dumps(settings_of(each).get("app")) for each in (base_folder, folder))
            other = other_app((folder.relative_to(root) / "cdk.json").as_posix(), *before_and_after)
            repository = dataclasses.replace(repository, objections=(*repository.objections, *other))
        before = read_side("base", sides.base(), base_root, arguments.base_checkov, touched)
        head, between = sides.change()
        with step("comparing", _progress):
            after = read_side("change", head, root, arguments.checkov, touched)
            try:
                theirs = between and read_side("base with the change's dependencies", between, base_root)
            except ReviewError as error:
                theirs = None
                unknown = f"What the dependencies alone change is not known: {error}"
                repository = dataclasses.replace(repository, notices=(*repository.notices, unknown))
            done = judge(
                arguments.title,
                compare_sides(before, after, repository.touched),
                repository,
                today=dt.datetime.now(tz=dt.UTC).date(),
                allow_new_decisions=arguments.allow_new_decisions,
                by_dependencies=compare_sides(before, theirs) if theirs else None,
            )
    return _report(arguments.format, also, done)


def _check(arguments: argparse.Namespace, also: Mapping[str, str]) -> None:
    if unknown := sorted({*also} - {*FORMATS}):
        raise WrongUsage(f"--also {printable(unknown[0])}=…: allowed are {', '.join(FORMATS)}")
    if (arguments.synthesize_only or arguments.no_synth) and arguments.assemblies is None:
        raise WrongUsage("--synthesize-only and --no-synth need --assemblies FOLDER")
    files = [(name, getattr(arguments, name)) for name in ("checkov", "base_checkov", "installed_from")]
    for name, path in (*files, *(("other_review", each) for each in arguments.other_review)):
        if path is not None and not path.is_file():
            raise WrongUsage(f"--{name.replace('_', '-')} {printable(str(path))} is no file")
    for name, given in also.items():
        if Path(given).is_dir() or not Path(given).absolute().parent.is_dir():
            raise WrongUsage(f"--also {name}={printable(given)} is no file in a folder that is there")
    if arguments.app is not None and not arguments.app.strip():
        raise WrongUsage("--app is empty. Fix: leave it out for what cdk.json has")
    if not arguments.repository.is_dir():
        raise WrongUsage(f"--repository {printable(str(arguments.repository))} is no folder")


def _report(format_: str, also: Mapping[str, str], done: Review) -> int:
    if os.environ.get("GITHUB_ACTIONS") == "true":
        # On standard error, which the runner reads too: standard output is the summary.
        _say("\n".join(workflow_commands(done)))
    _print(_shown(format_, done))
    code = _OBJECTIONS if done.objections else _NOTHING
    for each, path in also.items():
        try:
            Path(path).write_text(_shown(each, done), encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            _say(f"error: cannot write {printable(path)}: {error.strerror}")
            code = code or _UNKNOWN
    return code


@dataclass(frozen=True, slots=True)
class _Locks:
    """What pins the dependencies of both sides, and of the running environment."""

    base: Path | None
    head: Path | None
    installed_from: Path | None

    def differences(self) -> tuple[str, ...]:
        """The packages of which the versions differ."""
        before, after = (versions(lock.name, text_of(lock)) if lock else {} for lock in (self.base, self.head))
        return differing(before, after)


@dataclass(frozen=True, slots=True)
class _Sides:
    """What makes the assemblies of both sides, or takes them as they lie there.

    :param sources: the folders of the base's app and of the change's.
    :param out: the folder of the assemblies.
    """

    arguments: argparse.Namespace
    context: Mapping[str, str]
    sources: tuple[Path, Path]
    locks: _Locks
    out: Path

    def base(self) -> Synth:
        """The base, by code of the base alone."""
        if self.arguments.no_synth == _BOTH:
            return Synth(self.out / "base", 0, "")
        with step("installing the base's environment", _progress):
            python = python_for(self.locks.base, self.locks.installed_from)
        with step("synthesizing the base", _progress):
            return self._made(("base", self._app("base", python)))[0]

    def change(self) -> tuple[Synth, Synth | None]:
        """The change, and the base with the change's dependencies if they differ."""
        both = bool(self.locks.differences())
        if self.arguments.no_synth:
            done = [Synth(self.out / name, 0, "") for name in ("head", "between")]
            return done[0], done[1] if both else None
        with step("installing the change's environment", _progress):
            python = python_for(self.locks.head, self.locks.installed_from)
        with step("synthesizing the change", _progress):
            between = [("between", self._app("base", python))] if both else []
            made = self._made(("head", self._app("change", python)), *between)
        return made[0], made[1] if both else None

    def _app(self, name: str, python: Path) -> App:
        return App(name, self.sources[name == "change"], self.arguments.app, self.context, python)

    def _made(self, *apps: tuple[str, App]) -> list[Synth]:
        for name, _ in apps:
            # What somebody else wrote there may be a link to the other side.
            if (folder := self.out / name).is_symlink():
                folder.unlink()
            shutil.rmtree(folder, ignore_errors=True)
        return synthesize([(app, self.out / name) for name, app in apps])


def _synthesize_only(sides: _Sides, roots: tuple[Path, Path]) -> int:
    which = sides.arguments.synthesize_only
    if which != "change":
        read_side("base", sides.base(), roots[0])
    if which != "base":
        read_side("change", sides.change()[0], roots[1])
    return _NOTHING


def _repository(
    root: Path, base_root: Path, changed: frozenset[str], dependencies: tuple[str, ...], notices: list[str]
) -> Repository:
    base, head = _reader(base_root), _reader(root)
    return Repository(
        touched=changed,
        judging=judging_files(changed),
        objections=compare_machinery(changed, base, head, _workflows(base_root)),
        base_decisions=parse_decisions(base(FILE) or ""),
        head_decisions=parse_decisions(head(FILE) or ""),
        dependencies=dependencies,
        notices=tuple(notices),
    )


def _objections_of(path: Path) -> Iterator[tuple[str, str]]:
    """The objections of another review, with those that a decision accepted there."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        found = [*document["objections"], *(each["objection"] for each in document["accepted"])]
        yield from ((str(each["id"]), str(each["resource"])) for each in found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        says = f"--other-review {printable(str(path))} is not what --json prints: {printable(repr(error))}"
        raise ReviewError(says) from error


def _workflows(root: Path) -> list[str]:
    return sorted(each.relative_to(root).as_posix() for each in (root / ".github/workflows").glob("*.y*ml"))


def _reader(root: Path) -> Callable[[str], str | None]:
    real = root.resolve()

    def read(name: str) -> str | None:
        path = root / name
        try:
            # GitHub and git follow no link in a repository: what it leads to is not the file that counts.
            if path.resolve() != real / name or not path.is_file():
                return None
        except OSError as error:
            # What a script says may be too long for a name.
            if error.errno == errno.ENAMETOOLONG:
                return None
            raise
        newline = None if path.suffix in _OF_LINES else ""
        with path.open(encoding="utf-8", errors="replace", newline=newline) as file:
            text = file.read()
        # Some editors begin a file with a mark. A script that begins with it has no first line that says what runs it.
        return text.removeprefix("\ufeff") if path.suffix in _MARKED else text

    return read


def _stale(root: Path, commit: str) -> list[str]:
    missing = commits_missing(root, commit)
    if not missing:
        return []
    lacks = f"{missing} commit{'s' * (missing != 1)} of the base"
    return [f"The change lacks {lacks}; what they added counts as lost. Rebase or merge first."]


def _hand_over(
    command: Sequence[str], judge_folder: Path, arguments: argparse.Namespace, folder: Path, base_lock: Path | None
) -> int:
    """Let the base's own program judge, with the same arguments."""
    # Each option and its value are one word: a value may begin with a dash.
    passed = [*command, "review", f"--base={arguments.base}", f"--repository={folder}", f"--title={arguments.title}"]
    passed += [f"--format={arguments.format}"]
    for name in ("app", "lock"):
        passed += [f"--{name}={getattr(arguments, name)}"] if getattr(arguments, name) is not None else []
    for name in ("checkov", "base_checkov", "assemblies"):
        path = getattr(arguments, name)
        passed += [f"--{name.replace('_', '-')}={path.resolve()}"] if path is not None else []
    for name in ("synthesize_only", "no_synth", "allow_new_decisions"):
        given = getattr(arguments, name)
        option = f"--{name.replace('_', '-')}"
        passed += [option if given in (True, _BOTH) else f"{option}={given}"] if given else []
    passed += [f"--context={each}" for each in arguments.context]
    passed += [f"--other-review={each.resolve()}" for each in arguments.other_review]
    passed += [f"--also={format_}={Path(path).resolve()}" for format_, path in _pairs("--also", arguments.also).items()]
    passed += [f"--installed-from={base_lock}"] if base_lock is not None else []
    process = subprocess.Popen(passed, cwd=judge_folder, env=environment_of_judge())
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise


def _shown(format_: str, done: Review) -> str:
    if format_ == "json":
        return json.dumps(as_json(done), indent=2) + "\n"
    if format_ == "sarif":
        return json.dumps(sarif(done), indent=2) + "\n"
    if format_ == "markdown":
        return markdown(document(done))
    return text(document(done), shutil.get_terminal_size((120, 24)).columns)


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise WrongUsage(f"{option} {printable(each)}: must be NAME=VALUE")
        pairs[name] = value
    return pairs


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A termination ends the review as Ctrl-C does: with everything that is temporary removed."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)


def _progress(what: str) -> None:
    _say(f"review: {what}")


def _say(what: str) -> None:
    # It is None when the caller has closed it; print would then write to standard output.
    if what and sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(what, file=sys.stderr, flush=True)


def _print(what: str) -> None:
    """Print the review. Whoever closed the pipe does not read it, which changes no exit code."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.buffer.write(what.encode(sys.stdout.encoding or "utf-8", errors="backslashreplace"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
