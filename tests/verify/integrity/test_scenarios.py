"""Every scenario, judged in memory."""

from __future__ import annotations

import pytest

from tests.verify.simulation.in_memory import validate
from tests.verify.simulation.scenario_table import ALL
from tests.verify.simulation.scenarios import Scenario
from tests.verify.simulation.trail import HOUR
from verify.integrity.result import Result


def found(result: Result) -> set[str]:
    problems = {str(problem.verdict) for chain in result.chains for problem in chain.tally.problems}
    return problems | {str(judged.verdict) for chain in result.chains for judged in chain.periods}


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_the_verdict_is_that_of_the_table(scenario: Scenario) -> None:
    chain = scenario.build()

    result = validate(chain, history_from=chain.hours[0].start - 2 * HOUR)

    assert (result.exit_code, scenario.finds - found(result)) == (scenario.exit_code, frozenset())
    assert result.exit_code or not any(chain.tally.problems for chain in result.chains)
