"""Background noise: an ordinary account's days, of any size, spread over as much lab time as can be advanced."""

import random
from collections.abc import Callable, Iterator, Sequence

from lab.errors import LabError
from lab.instance import control, lifecycle
from lab.instance.folder import Lab
from lab.scenarios.people import Staff, Worker

CALLS = 300
DAY_SECONDS = 24 * 3600

# Each has sessions of its own, which last twelve hours at most:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html
_SHIFT_SECONDS = 8 * 3600
# Without repeated calls, everything happens at the beginning of a shift.
_SHORT_SHIFT_SECONDS = 4 * 3600
_SAMPLES = 60

Workers = Callable[[], Sequence[Worker]]


def noise(lab: Lab, calls: int = CALLS, days: float = 0.0, seed: int = 0, events: int = 0) -> Iterator[str]:
    """Makes calls as an account's people and programs.

    :param calls: how many calls they really make.
    :param events: how many more the lab records like these, which costs a thousandth of a real call's time.
    :param days: how much lab time they are spread over; the lab's clock must be that far behind.
    :param seed: the same seed makes the same calls.
    :raises LabError: the lab's clock cannot go that far.
    """
    require_time(lab, days)
    chance = random.Random(seed)  # noqa: S311 - nothing is secret here
    staff = Staff(lab)
    staff.hire()
    yield f"{', '.join(staff.names())} make {calls + events} calls"
    yield from _shifts(lab, staff, calls, events, days * DAY_SECONDS, chance)


def background(
    lab: Lab,
    staff: Staff,
    events: int,
    seconds: float,
    chance: random.Random,
    others: Workers = tuple,
) -> None:
    """Lets lab time pass with ordinary calls in it: a few that are made, and the rest like them.

    :param others: who else is at work; asked at the beginning of each shift.
    """
    if events <= 0:
        if seconds > 0:
            control.advance(lab, seconds)
        return
    shifts = _number_of_shifts(events, seconds)
    calls = min(events // 2, shifts * _SAMPLES)
    for _ in _shifts(lab, staff, calls, events - calls, seconds, chance, others):
        pass


def _shifts(
    lab: Lab,
    staff: Staff,
    calls: int,
    events: int,
    seconds: float,
    chance: random.Random,
    others: Workers = tuple,
) -> Iterator[str]:
    shifts = _number_of_shifts(events, seconds)
    failed = 0
    for part in range(shifts):
        workers = [*staff.on_duty(), *others()]
        control.keep_samples(lab, {each.actor.access_key_id for each in workers})
        for number in range(calls * part // shifts, calls * (part + 1) // shifts):
            # In turn, so that everybody is there even when there are few calls.
            failed += not workers[number % len(workers)].call(chance, number)
        more = events * (part + 1) // shifts - events * part // shifts
        if more:
            now = control.repeat(lab, more, seconds / shifts, chance.getrandbits(32))
        elif seconds:
            now = control.advance(lab, seconds / shifts)
        if seconds:
            yield f"It is {now:%Y-%m-%d %H:%M} in the lab"
    yield f"{calls} calls, of which {failed} failed, as some always do" + (
        f", and {events} more like them" if events else ""
    )


def _number_of_shifts(events: int, seconds: float) -> int:
    return max(1, round(seconds / (_SHIFT_SECONDS if events else _SHORT_SHIFT_SECONDS)))


def require_time(lab: Lab, days: float) -> None:
    """Before the first call, since what was made of a scenario that ends halfway stays.

    :raises LabError: the lab's clock cannot be advanced so far.
    """
    status = lifecycle.ask(lab)
    if days and status is not None and days * DAY_SECONDS > status.behind_seconds:
        raise LabError(
            f"The lab's clock never overtakes this machine's, and is {status.behind_seconds / DAY_SECONDS:.1f} days "
            f"behind it: less than the {days:g} that are asked for. Name fewer with --days, or start a new lab further "
            "in the past (python -m lab down, then up --days-ago)."
        )
