"""What a noisy start is, and what the table says of releases; the releases themselves are the bench's."""

from bench.sandbox_releases import NoisyStart, Run, table


def run(story: str, outcome: str, exposed: int, minutes: float | None) -> Run:
    return Run(story, 0, outcome, "PROMOTED", "judge", "reason", exposed, 3, minutes, 1.0)


def test_a_noisy_start_is_over_within_minutes_and_the_same_for_the_same_seed() -> None:
    for seed in range(20):
        start = NoisyStart(seed)
        faults = [start.fault(second) for second in range(300)]
        assert "extra_latency_ms" in faults[0]
        assert 15 <= sum("error_rate" in fault for fault in faults) <= 60
        assert not any(faults[150:])
        assert faults == [NoisyStart(seed).fault(second) for second in range(300)]


def test_the_table_has_a_line_a_candidate_with_what_users_got_of_it() -> None:
    found = [run("good", "PROMOTED", 100, None), run("bad", "ROLLED_BACK", 20, 2.5), run("bad", "ROLLED_BACK", 40, 3.5)]
    good, bad = table(found).splitlines()[1:]
    assert good.split() == ["good", "1", "0%", "100", "100", "3", "-"]
    assert bad.split() == ["bad", "2", "100%", "30", "40", "6", "3.0"]
