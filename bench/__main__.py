"""`python -m bench [NAME...]`: measures, and prints every figure as it is known. Without a name: all."""

from __future__ import annotations

import sys
from importlib import import_module

BENCHES = ("planner", "mesh", "up")
"""Modules of this package with `figures() -> Iterator[Figure]`; their docstrings' first lines are titles."""
WIDTH = 56


def main(names: list[str]) -> int:
    """Run the benches of these names; exit status."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"no bench {', '.join(unknown)}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    for name in names or BENCHES:
        module = import_module(f"bench.{name}")
        print(f"\n{(module.__doc__ or name).splitlines()[0]}", flush=True)
        for figure in module.figures():
            print(figure.line(WIDTH), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
