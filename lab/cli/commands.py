"""The lab's commands. Only this folder prints: results to standard output, notices and progress to standard error."""

import argparse
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ConnectionError as NothingAnswers
from botocore.exceptions import HTTPClientError

from lab.cli import bootstrapping, failed_stacks, guide, hand_in, programs, tour
from lab.cli.arguments import RESET, account, add_scenario, add_sign_in, add_start, settings, size, who_signs_in
from lab.cli.aws_program import notice_about_aws
from lab.cli.bootstrapping import Environment
from lab.cli.parser import Parser
from lab.cli.shell import SHELLS, lines_to_nowhere, shell_lines
from lab.errors import LabError
from lab.instance import control, lifecycle, process
from lab.instance.environment import lab_variables, own_programs_first, package_cache
from lab.instance.folder import HOME_VARIABLE, Lab, default_home, deploying, read
from lab.instance.lifecycle import Status
from lab.scenarios.recording import what_is_missing
from lab.scenarios.reset import reset
from lab.scenarios.run import HUNTS, scenario

_DESCRIPTION = "An embedded AWS on this machine: deploy, inspect and break things without an account."
_EPILOG = f"""
typical session:
  python -m lab deploy               start the lab and deploy the stack with the ordinary CDK CLI
  eval "$(python -m lab env)"        let this shell's aws and boto3 talk to the lab
  aws cloudtrail lookup-events       every call is recorded
  python -m lab scenario tamper      give yourself something to find
  python -m lab start 1              or begin the guided lab: docs/lab/
  python -m lab down                 stop it and remove what it left

exit codes: 0 done, 1 the lab is not running, 2 it could not be done, 130 Ctrl-C; deploy, diff, destroy and tour
pass on the exit code of what they run. The lab listens on 127.0.0.1 only, and nothing run through it can reach a
real account.
environment: {HOME_VARIABLE} names the lab's folder (default: .lab in the project).
"""
# Of the commands that have none of their own.
_EXAMPLES = {
    "up": "python -m lab up --region eu-west-1",
    "tour": "python -m lab tour",
    "deploy": 'python -m lab deploy -- --app "python3 my_app.py"',
    "diff": "python -m lab diff",
    "bootstrap": "python -m lab bootstrap",
    "destroy": "python -m lab destroy",
    "down": "python -m lab down",
    "status": "python -m lab status --json",
    "deliver": "python -m lab deliver",
    "advance": "python -m lab advance 3600",
    "signin": "python -m lab signin --user alice --mfa",
    "env": 'eval "$(python -m lab env)"',
}
_WHAT_NEXT = """
── The lab goes on running. Look around:
   eval "$({python} -m lab env{home})"     leads this shell's aws and boto3 to the lab
   {python} -m verify events --since 1h
   {down}     stops it and removes what it left"""
_WAITING = "Another command is deploying to this lab. Waiting until it is done (Ctrl-C to give up) ..."
_MOVED = (
    "warning: The lab was on port {old} before, which another program has now or which you changed. It goes on on port "
    '{new}. In every shell that was led to it, run again: eval "$(python -m lab env)"'
)
_STOPPED_MEANWHILE = (
    "The lab does not answer any more; what was begun is not done. Was it stopped meanwhile? {status} ({error})"
)
_PLAYING = "Something is happening in the lab. It takes some seconds ..."
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def main(argv: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    return _env_or_nowhere(argv) if list(argv[:1]) == ["env"] else _run(argv)


def _env_or_nowhere(argv: Sequence[str]) -> int:
    """What is pasted after `eval "$(python -m lab env)"` is meant for the lab. However the command fails, it leads the
    shell nowhere: what the shell had before may be a real account.
    """
    is_led = False
    try:
        code = _run(argv)
        is_led = code == 0
    except SystemExit as stopped:  # --help, or wrong usage
        is_led = not stopped.code
        raise
    else:
        return code
    finally:
        if not is_led:
            print("\n".join(lines_to_nowhere(os.environ, _shell(_asked_shell(argv)))))


def _asked_shell(argv: Sequence[str]) -> str | None:
    """The shell that a command line asks for, which need not be right otherwise."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--shell")
    try:
        asked = parser.parse_known_args(argv)[0].shell
    except argparse.ArgumentError:
        return None
    return str(asked) if asked in SHELLS else None


def _run(argv: Sequence[str]) -> int:
    arguments = build_parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.run
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show "─" shows its code
    try:
        code = command(arguments)
        if sys.stdout is not None:  # it was closed: there is no reader
            sys.stdout.flush()
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (NothingAnswers, HTTPClientError) as error:
        print(f"error: {_STOPPED_MEANWHILE.format(error=error, status=_command('status', arguments))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the interpreter's last flush
        return 0
    except OSError as error:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        print(f"error: {error}", file=sys.stderr)
        return 2
    return code


def build_parser() -> Parser:
    """The parser of the command line, with every command."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = Parser(prog="python -m lab", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=raw)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> Parser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "--home", type=Path, default=default_home(), help="the lab's folder (default: %(default)s)"
        )
        command.set_defaults(run=run)
        if name in _EXAMPLES:
            command.formatter_class = raw
            command.epilog = f"example:\n  {_EXAMPLES[name]}"
        return command

    add_start(add("up", _up, "Start the lab; does nothing when it is running."))
    add_start(
        add("tour", _alone(_tour), "Start the lab, deploy, check, score, and find your own calls: what make lab does.")
    )
    for verb, text in (
        ("deploy", "Deploy an app to the lab with the CDK CLI, the project's by default, and bootstrap what it needs."),
        ("diff", "Show what a deployment would change."),
        (
            "bootstrap",
            "Prepare an empty lab for CDK's standard synthesizer, which deploy does where an app needs it.",
        ),
    ):
        command = add(verb, _alone(_cdk_command(verb)), text + " Starts the lab when it is not running.")
        command.hint = f". What is for cdk goes after --: python -m lab {verb} -- {{}} ..."
        add_start(command)
        command.add_argument("arguments", nargs="*", metavar="-- ARGUMENT", help="passed on to cdk")
    destroy = add("destroy", _destroy, "Stop logging, empty the buckets and delete the stack, as make destroy does.")
    destroy.add_argument("arguments", nargs="*", metavar="-- ARGUMENT", help="such as --confirm BUCKET, the answer")
    add("down", _down, "Stop the lab and remove what it left; does nothing when it is not running.")
    status = add("status", _status, "Show whether the lab is running, and what it holds.")
    status.add_argument("--json", action="store_true", help="for programs")
    add("deliver", _with_lab(_deliver), "Deliver log files and digests now instead of when they are due.")
    advance = add(
        "advance", _with_lab(_advance), "Let time pass in a lab that was started in the past (up --days-ago)."
    )
    advance.add_argument("seconds", type=float, help="how much")
    guide.add_start(add("start", _alone(_start), "Begin a part of the guided lab (docs/lab/), in a new lab."))
    guide.add_state(add("done", _with_lab(_done), "Look whether a part of the guided lab is done."))
    guide.add_state(add("hint", _with_lab(_hint), "Tell where to look for what a part of the guided lab still lacks."))
    add_scenario(add("scenario", _with_lab(_scenario), "Play something that can be looked for, or undo it."))
    hand_in.add_answer(add("answer", _with_lab(_answer), "Check what you found out about a scenario, and score it."))
    hand_in.add_report(add("report", _with_lab(_report), "Check your report of an incident, in Markdown."))
    add_sign_in(add("signin", _with_lab(_sign_in), "Sign in to the console, as far as CloudTrail records it."))
    env = add(
        "env", _with_lab(_env), 'Print shell lines that lead aws and boto3 to the lab: eval "$(python -m lab env)"'
    )
    env.epilog = f"""When it fails, it says why, prints lines that lead AWS calls nowhere (what is pasted next must not
reach a real account) and makes the eval fail. When it works again, the lines lead to the lab again.

{env.epilog}"""
    env.add_argument("--shell", choices=SHELLS, help="the shell that reads them (default: the one that runs this)")
    env.add_argument("--account", type=account, help="work as the root of this account (twelve digits)")
    return parser


def _up(arguments: argparse.Namespace) -> int:
    is_there = lifecycle.running(arguments.home) is not None
    lab = _lab_for(arguments)
    print(f"The lab is {'already running' if is_there else 'running'} at {lab.endpoint} ({_where(lab)}).")
    return 0


def _alone(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    def alone(arguments: argparse.Namespace) -> int:
        with deploying(arguments.home, lambda: print(_WAITING, file=sys.stderr)):
            return run(arguments)

    return alone


def _cdk_command(verb: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        lab = _lab_for(arguments)
        print(f"cdk {verb} on the lab at {lab.endpoint} ({_where(lab)})", file=sys.stderr)
        started, before = time.time(), lifecycle.ask(lab)
        code = programs.run_cdk(lab, verb, arguments.arguments)
        status = lifecycle.ask(lab)
        if code and status:
            ready = programs.ready_assembly(arguments.arguments)
            missing = bootstrapping.missing(
                lab,
                ready or programs.assembly(lab),
                status.stacks,
                partial(bootstrapping.is_there, lab),
                since_seconds=0 if ready else started,
            )
            if missing and verb == "deploy":
                code = _bootstrap_and_deploy(lab, missing, status.stacks, arguments.arguments)
                status = lifecycle.ask(lab)
            elif missing:
                needed = ", ".join(map(str, missing))
                deploy = _command("deploy", arguments)
                print(f"This app needs bootstrapped: {needed}. Deploying it does that: {deploy}", file=sys.stderr)
        _warn(status.warnings if status else ())
        if code and before and status:
            _tell_what_failed(failed_stacks.reasons(lab, status.stacks, datetime.fromisoformat(before.now)), arguments)
        return code

    return run


def _bootstrap_and_deploy(
    lab: Lab, missing: Sequence[Environment], stacks: Sequence[lifecycle.Stack], arguments: Sequence[str]
) -> int:
    """Bootstraps what the app names, as whoever owns the accounts would have done once, and deploys again."""
    for environment in missing:
        print(f"The app needs {environment} bootstrapped, which it is not yet: cdk bootstrap", file=sys.stderr)
        bootstrapping.remove_failed(lab, environment, stacks)
        code = programs.bootstrap(lab, environment)
        if code:
            return code
    print("cdk deploy once more", file=sys.stderr)
    return programs.deploy_again(lab, arguments)


def _tell_what_failed(reasons: Sequence[str], arguments: argparse.Namespace) -> None:
    for reason in reasons:
        print(f"error: {_plain(reason)}", file=sys.stderr)
    if any("already exists" in reason for reason in reasons):
        down = _stopping(arguments)
        print(f"Delete what is in the way and deploy again, or begin with an empty lab: {down}", file=sys.stderr)


def _destroy(arguments: argparse.Namespace) -> int:
    lab = lifecycle.running(arguments.home)
    if lab is None:
        print("error: The lab is not running, so there is nothing to destroy.", file=sys.stderr)
        return 1
    return programs.run_module(lab, "tools.destroy", arguments.arguments)


def _tour(arguments: argparse.Namespace) -> int:
    try:
        return _go_round(arguments)
    except KeyboardInterrupt:
        if lifecycle.running(arguments.home) is None:
            raise
        print(f"Interrupted. The lab goes on running; {_stopping(arguments)} stops it.", file=sys.stderr)
        return 130


def _go_round(arguments: argparse.Namespace) -> int:
    lab = _lab_for(arguments)
    print(f"The lab is running at {lab.endpoint} ({_where(lab)}).", flush=True)
    tour.remember_score(lab)
    for number, step in enumerate(tour.steps(lab), start=1):
        shown = shlex.join(step.command)
        print(f"\n── {number}. {step.title}\n   python -m {shown}\n", flush=True)
        code = tour.run(lab, step)
        if code not in step.fine:
            print(f"error: python -m {shown} ended with exit code {code}.", file=sys.stderr)
            return code
    print(_WHAT_NEXT.format(python=_this_python(), home=_home(arguments), down=_stopping(arguments)))
    return 0


def _down(arguments: argparse.Namespace) -> int:
    stopped = lifecycle.stop(arguments.home)
    print("The lab is stopped." if stopped else "The lab was not running.")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    lab = lifecycle.running(arguments.home)
    status = lifecycle.ask(lab) if lab else None
    if lab is None or status is None:
        print(json.dumps({"running": False}) if arguments.json else "The lab is not running.")
        return 1
    if arguments.json:
        print(json.dumps({"running": True, **_described(lab, status)}, indent=2))
        return 0
    stacks = ", ".join(f"{_plain(_named(lab, each))} ({each.status})" for each in status.stacks) or "none"
    print(f"The lab is running at {lab.endpoint} since {lab.started} (process {lab.pid}).")
    behind = f" ({status.behind_seconds / 3600:.1f} hours behind)" if status.behind_seconds else ""
    print(f"time      {status.now}{behind}")
    print(f"account   {lab.account}\nregion    {lab.region}\nstacks    {stacks}\nevents    {status.events}")
    if status.dropped:
        print(f"dropped   {status.dropped} (the event history is full; the oldest went)")
    if status.undecoded:
        print(f"undecoded {status.undecoded} calls (recorded, but not understood in full)")
    _warn(status.warnings)
    return 0


def _named(lab: Lab, stack: lifecycle.Stack) -> str:
    """A stack's name, with its account and its region where they are not the lab's own."""
    account = f" of {stack.account}" if stack.account != lab.account else ""
    return f"{stack.name}{account}" + (f" in {stack.region}" if stack.region != lab.region else "")


def _described(lab: Lab, status: Status) -> dict[str, Any]:
    """What can be told about a lab, in the shapes of JSON; no secret is among it."""
    return {
        "endpoint": lab.endpoint,
        "account": lab.account,
        "region": lab.region,
        "pid": lab.pid,
        "started": lab.started,
        "now": status.now,
        "behind_seconds": status.behind_seconds,
        "stacks": {_named(lab, each): each.status for each in status.stacks},
        "events": status.events,
        "dropped_events": status.dropped,
        "undecoded_calls": status.undecoded,
        "warnings": list(status.warnings),
    }


def _with_lab(run: Callable[[Lab, argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    def with_lab(arguments: argparse.Namespace) -> int:
        lab = lifecycle.running(arguments.home)
        return _not_running(arguments) if lab is None else run(lab, arguments)

    return with_lab


def _not_running(arguments: argparse.Namespace) -> int:
    print(f"error: The lab is not running. Start it: {_command('up', arguments)}", file=sys.stderr)
    return 1


def _command(verb: str, arguments: argparse.Namespace) -> str:
    """A command of the lab that concerns the same lab, as a person types it."""
    return f"python -m lab {verb}{_home(arguments)}"


def _stopping(arguments: argparse.Namespace) -> str:
    return _command("down", arguments) if _home(arguments) else "make lab-down"


def _this_python() -> str:
    """What to type for it in a shell that was led nowhere yet: there `python` may be none, or another one."""
    python = Path(sys.executable)
    return shlex.quote(str(python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else python))


def _home(arguments: argparse.Namespace) -> str:
    return "" if arguments.home == default_home() else f" --home {shlex.quote(str(arguments.home))}"


def _deliver(lab: Lab, _arguments: argparse.Namespace) -> int:
    print(f"Delivered; it is {control.deliver(lab):%Y-%m-%d %H:%M:%S} in the lab.")
    return 0


def _advance(lab: Lab, arguments: argparse.Namespace) -> int:
    print(f"It is {control.advance(lab, arguments.seconds):%Y-%m-%d %H:%M:%S} in the lab.")
    return 0


def _sign_in(lab: Lab, arguments: argparse.Namespace) -> int:
    print(control.sign_in(lab, who_signs_in(lab, arguments)))
    return 0


def _scenario(lab: Lab, arguments: argparse.Namespace) -> int:
    name = arguments.name
    if arguments.of and name != RESET:
        raise LabError(f"Play one scenario at a time, {name} or {arguments.of}; only reset takes another name.")
    if arguments.solution:
        if name not in HUNTS:
            raise LabError(f"{name} is no hunt, so it has no solution. These have one: {', '.join(HUNTS)}")
        return hand_in.solution(lab, name, _show)
    if name == RESET:
        lines = reset(lab, arguments.of)
    else:
        if missing := what_is_missing(lab):
            print(f"note: {missing}", file=sys.stderr, flush=True)
        if name in HUNTS:
            print(_PLAYING, file=sys.stderr, flush=True)
        lines = scenario(lab, name, size(arguments))
    for line in lines:
        _show(line)
    return 0


def _start(arguments: argparse.Namespace) -> int:
    print("Starting the lab ...", file=sys.stderr)
    return guide.start(arguments, _show, f"{_this_python()} -m lab env{_home(arguments)}")


def _done(lab: Lab, arguments: argparse.Namespace) -> int:
    return guide.done(lab, arguments, _show)


def _hint(lab: Lab, arguments: argparse.Namespace) -> int:
    return guide.hint(lab, arguments, _show)


def _answer(lab: Lab, arguments: argparse.Namespace) -> int:
    return hand_in.answer(lab, arguments, _show)


def _report(lab: Lab, arguments: argparse.Namespace) -> int:
    return hand_in.hand_in(lab, arguments, _show)


def _show(line: str) -> None:
    print(_plain(line), flush=True)


def _env(lab: Lab, arguments: argparse.Namespace) -> int:
    variables = (
        lab_variables(lab, arguments.account)
        | package_cache(os.environ)
        | {
            "PATH": own_programs_first(os.environ.get("PATH")),
            HOME_VARIABLE: str(lab.home),  # so that `python -m lab` in that shell goes to the same lab
        }
    )
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="surrogateescape")  # a PATH of any bytes
    print("\n".join(shell_lines(variables, os.environ, _shell(arguments.shell))))
    old = notice_about_aws(variables["PATH"])
    if old:
        print(f"warning: {old}", file=sys.stderr)
    return 0


def _shell(asked: str | None) -> str:
    """The shell to write for: the one that runs this command, unless another is asked for."""
    parent = process.parent_program()
    return asked or (parent if parent in SHELLS else "sh")


def _lab_for(arguments: argparse.Namespace) -> Lab:
    """The folder's lab, started when it is not running. What only a new one could do is said not to be done."""
    running = lifecycle.running(arguments.home)
    if running is None:
        return _started(arguments)
    is_new_asked = arguments.port not in (None, running.port) or settings(arguments) != lifecycle.DEFAULT_SETTINGS
    if is_new_asked or _is_elsewhere(running, arguments):
        _tell_what_stays("A running lab keeps its region, port, clock and times of delivery", arguments)
    return running


def _started(arguments: argparse.Namespace) -> Lab:
    print("Starting the lab ...", file=sys.stderr)
    previous = read(arguments.home)
    lab = lifecycle.start(arguments.home, region=arguments.region, port=arguments.port, settings=settings(arguments))
    is_resumed = previous is not None and previous.access_key_id == lab.access_key_id
    if previous and is_resumed and previous.port != lab.port:
        print(_MOVED.format(old=previous.port, new=lab.port), file=sys.stderr)
    if is_resumed and (arguments.days_ago or _is_elsewhere(lab, arguments)):
        _tell_what_stays("The lab goes on with what it held, in its own region and at its own time", arguments)
    return lab


def _is_elsewhere(lab: Lab, arguments: argparse.Namespace) -> bool:
    return arguments.region not in (lifecycle.DEFAULT_REGION, lab.region)


def _tell_what_stays(what: str, arguments: argparse.Namespace) -> None:
    print(f"{what}; for another one stop it first: {_command('down', arguments)}", file=sys.stderr)


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        print(f"warning: {_plain(warning)}", file=sys.stderr)


def _where(lab: Lab) -> str:
    return f"account {lab.account}, region {lab.region}"


def _plain(text: str) -> str:
    """Text from outside, without anything that a terminal would obey."""
    return _CONTROL.sub("?", text)
