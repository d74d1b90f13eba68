"""`python -m bench.judge [NAME...]`: prints every table as it is known. Seeded; two minutes at most."""

from __future__ import annotations

import gc
import sys
import time
from importlib import import_module

import numpy as np

TABLES = ("speed", "failures", "latency", "assumptions", "ramps")
"""Modules of this package with `tables(rng) -> Iterator[str]`."""
SEED = 6


def main(names: list[str]) -> int:
    """Run the tables of these names; exit status."""
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        print(f"no table {', '.join(unknown)}; there are: {', '.join(TABLES)}", file=sys.stderr)
        return 2
    gc.disable()  # nothing here has cycles, and a judge makes many small tuples
    for name in names or TABLES:
        began = time.perf_counter()
        for text in import_module(f"bench.judge.{name}").tables(np.random.default_rng(SEED)):
            print(text, flush=True)
        print(f"({name}: {time.perf_counter() - began:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
