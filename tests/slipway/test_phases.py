from pathlib import Path

import pytest

from slipway import phases
from slipway.phases import Phase


def test_every_phase_has_its_moves() -> None:
    assert set(phases.MOVES) == set(Phase)


def test_only_promoted_and_rolled_back_end_a_release() -> None:
    assert {phase for phase in Phase if phases.ended(phase)} == {Phase.PROMOTED, Phase.ROLLED_BACK}


@pytest.mark.parametrize("phase", [phase for phase in Phase if not phases.ended(phase)])
def test_from_every_open_phase_a_rollback_is_one_move_away_or_under_way(phase: Phase) -> None:
    assert phase is Phase.ROLLING_BACK or Phase.ROLLING_BACK in phases.MOVES[phase]


def test_a_rollback_is_never_taken_back() -> None:
    assert phases.MOVES[Phase.ROLLING_BACK] == {Phase.ROLLED_BACK}


def test_an_illegal_move_says_what_is_legal() -> None:
    with pytest.raises(phases.IllegalMove, match="PROMOTED can't move to CANARY; it can move to nothing"):
        phases.check(Phase.PROMOTED, Phase.CANARY)


def test_the_documentation_shows_the_table_as_it_is() -> None:
    architecture = Path(__file__).parents[2] / "docs" / "architecture.md"
    assert phases.diagram() in architecture.read_text()
