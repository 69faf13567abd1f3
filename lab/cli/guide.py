"""`lab start`, `lab hint` and `lab done`: the parts of docs/lab/, and how far a learner has come."""

import argparse
from collections.abc import Callable

from lab.cli.arguments import add_settings, settings
from lab.errors import LabError
from lab.guide import build
from lab.guide.evidence import Evidence
from lab.guide.parts import PARTS, Part, State, judge
from lab.instance.folder import Lab

NOT_YET = 3

_LIST = "parts:\n" + "\n".join(f"  {each.number}  {each.title:<40}{each.page}" for each in PARTS)
_START = f"""
examples:
  python -m lab start 1          an empty lab, for the first part
  python -m lab start 3          a lab with a key and a bucket, for the third one

It begins a new lab: what was in the one before is gone. Every shell that was led to it has to be led there again:
  eval "$(python -m lab env)"

{_LIST}
"""
_DONE = f"""
examples:
  python -m lab done             of the part that was begun last
  python -m lab done 3

exit codes: 0 the part is done, 3 not yet, or something could not be read, 1 the lab is not running, 2 it could not be
done

{_LIST}
"""


def add_start(command: argparse.ArgumentParser) -> None:
    """What the start command takes."""
    _add(command, _START)
    command.add_argument("part", type=_part, metavar="PART", help="its number")
    add_settings(command)


def add_state(command: argparse.ArgumentParser) -> None:
    """What the commands hint and done take."""
    _add(command, _DONE)
    command.add_argument("part", type=_part, nargs="?", metavar="PART", help="its number (default: begun last)")


def _add(command: argparse.ArgumentParser, examples: str) -> None:
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = examples


def _part(text: str) -> Part:
    for each in PARTS:
        if text == str(each.number):
            return each
    raise argparse.ArgumentTypeError(f"{text!r} is no part. There are parts 1 to {len(PARTS)}")


def start(arguments: argparse.Namespace, show: Callable[[str], None], leading: str) -> int:
    """Begins a part in a new lab; the exit code.

    :param show: takes a line of the result.
    :param leading: the command whose lines lead a shell to the lab.
    :raises LabError: the lab does not start.
    """
    part: Part = arguments.part
    lab = build.begin(arguments.home, part.number, settings(arguments))
    show(f"A new lab stands at the beginning of part {part.number}: {part.title} ({part.page}).")
    show(f"Account {lab.account}, region {lab.region}. Lead this shell to it:")
    show(f'  eval "$({leading})"')
    return 0


def done(lab: Lab, arguments: argparse.Namespace, show: Callable[[str], None]) -> int:
    """Shows each goal of a part and whether it is reached; the exit code.

    :param show: takes a line of the result.
    :raises LabError: no part was begun, or the verifier did not answer.
    """
    part = _asked(lab, arguments)
    judged = judge(part, Evidence(lab))
    show(f"Part {part.number}: {part.title}")
    for goal, state in judged:
        show(f"{state:<8} {goal.text}")
    reached = sum(state is State.DONE for _, state in judged)
    if reached < len(judged):
        show(f"{reached} of {len(judged)}. Where to look: python -m lab hint {part.number}")
        return NOT_YET
    if part is PARTS[-1]:
        show("Done, and with it the last part.")
    else:
        following = PARTS[part.number]
        build.remember(lab, following.number)
        show(f"Done. Next: part {following.number}, {following.title} ({following.page})")
    return 0


def hint(lab: Lab, arguments: argparse.Namespace, show: Callable[[str], None]) -> int:
    """Shows where to look for the first goal that is not reached; the exit code.

    :param show: takes a line of the result.
    :raises LabError: no part was begun, or the verifier did not answer.
    """
    part = _asked(lab, arguments)
    goal = next((goal for goal, state in judge(part, Evidence(lab)) if state is not State.DONE), None)
    if goal is None:
        show(f"Part {part.number} is done.")
        return 0
    show(goal.text)
    show(f"  {goal.hint}")
    return NOT_YET


def _asked(lab: Lab, arguments: argparse.Namespace) -> Part:
    if arguments.part is not None:
        asked: Part = arguments.part
        return asked
    number = build.remembered(lab)
    if not 1 <= number <= len(PARTS):
        raise LabError(f"The lab's folder names a part {number}, which does not exist. Name one: 1 to {len(PARTS)}")
    return PARTS[number - 1]
