"""`python -m bench`: measure, print a table, write JSON; the exit status tells whether every bar was met."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import report
from bench.keywords import data_file
from bench.registry import DATABASES, Context, Figure, measurements
from bench.suite import MEASUREMENTS

ROUNDS = 3


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="measure only this; may be repeated")
    parser.add_argument("--database", action="append", choices=DATABASES, help="only on this database")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="repetitions, at least 3 for a figure that counts")
    parser.add_argument("--quick", action="store_true", help="small numbers: shows that it runs, not how fast")
    parser.add_argument("--data", type=data_file, help="texts to measure keywords on, JSON Lines with `text`")
    parser.add_argument("--folder", type=Path, help="where throw-away installations lie; default: a temporary folder")
    return parser.parse_args(words)


def run(options: argparse.Namespace) -> list[Figure]:
    """Carry out the chosen measurements one after the other."""
    figures: list[Figure] = []
    with TemporaryDirectory(prefix="shouji-bench-", dir=options.folder) as folder:
        context = Context(options.quick, options.rounds, options.database or DATABASES, Path(folder), options.data)
        for measurement in measurements():
            if options.only and measurement.name not in options.only:
                continue
            print(f"{measurement.name}: {measurement.title}", flush=True)
            figures += measurement.run(context)
    return figures


def main() -> int:
    """Measure; 0 when every bar was met, 1 when one was missed. A quick run has no bars."""
    options = arguments()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    figures = run(options)
    print(f"\n{report.table(figures)}\n\nwritten to {report.write(figures, quick=options.quick)}")
    return 0 if options.quick or all(figure.met is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
