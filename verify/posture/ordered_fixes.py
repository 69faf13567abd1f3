"""The fixes of all failed checks as one list of commands, each for the state that the ones before it leave.

The key comes first, because the bucket encrypts with it; then the bucket, because AWS validates the bucket's policy and
the key's when a trail is created or updated; then the trail, which starts logging when all else is right.
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from verify.posture.model import Check, Fix, Part, Result, Status, needs_decision

_PARTS = (Part.KEY, Part.BUCKET, Part.TRAIL)
_LAST = "trail_is_logging"


@dataclass(frozen=True, slots=True)
class Prefixes:
    """How commands begin, with their placeholders filled in.

    :param update_trail: those that update the trail; what follows are options.
    :param reads: those that read a policy, for somebody to decide what to change in it.
    """

    update_trail: str
    reads: tuple[str, ...]


def ordered_fixes(results: Iterable[tuple[Check, Result]], prefixes: Prefixes) -> tuple[Fix, ...]:
    """Every command once, in an order that works; none for advice, or for what is not known.

    All updates of the trail are one command, since AWS refuses an update that leaves the trail with another fault.
    """
    failed = [(check, result) for check, result in results if result.status is Status.FAIL and result.fix_cli]

    def place(each: tuple[Check, Result]) -> tuple[int, bool, bool]:
        check, result = each
        # A policy written after somebody has changed it by hand would undo the change.
        return _PARTS.index(check.part), result.fix_cli.startswith(prefixes.reads), check.id == _LAST

    failed.sort(key=place)
    checks_by_command: dict[str, list[Result]] = {}  # command, or the beginning of every update → what it makes pass
    for _, result in failed:
        is_update = result.fix_cli.startswith(f"{prefixes.update_trail} ")
        checks_by_command.setdefault(prefixes.update_trail if is_update else result.fix_cli, []).append(result)
    return tuple(
        Fix(
            checks=tuple(result.id for result in checks),
            command=command + _options(checks, command) if command == prefixes.update_trail else command,
            only_reads=command.startswith(prefixes.reads) or needs_decision(command),
        )
        for command, checks in checks_by_command.items()
    )


def _options(updates: Iterable[Result], command: str) -> str:
    return "".join(update.fix_cli.removeprefix(command) for update in updates)
