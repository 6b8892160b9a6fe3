"""``python -m tests.fuzz`` (``make fuzz``): an hour of it; exit code 1 with what failed."""

from __future__ import annotations

import argparse
import random
import sys

from tests.bench.machine import describe
from tests.fuzz.http import fuzz


def main() -> int:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    args = parser.parse_args()
    print(describe())
    print(f"seed {args.seed}", flush=True)
    found = fuzz(args.seed, args.minutes * 60)
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(found.statuses.items()))
    print(
        f"{found.requests} requests in {found.seconds:.0f} s, slowest {found.slowest_s:.2f} s; {statuses};"
        f" {len(found.faults)} faults"
    )
    for fault in found.faults:
        print(f"  {fault}")
    return int(bool(found.faults))


if __name__ == "__main__":
    sys.exit(main())
