"""The fleet's rules under faults by chance, against plain invariants: tests/fleet/simulation.py."""

from __future__ import annotations

from tests.fleet.simulation import Simulation
from tests.nightly import examples, seed

_RUNS = examples(2_000, 100_000)


def test_faults_by_chance_break_no_rule() -> None:
    first = seed() % 10**9
    for number in range(first, first + _RUNS):
        try:
            Simulation(number).run()
        except Exception as error:
            raise AssertionError(f"Simulation({number}).run(): {error}") from error


def test_a_seed_is_a_run() -> None:
    """Whoever runs a number again runs the same."""
    first, second = Simulation(7), Simulation(7)
    first.run()
    second.run()
    assert first.memory == second.memory
