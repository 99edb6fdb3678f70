"""What a run found: a table for people and JSON for machines."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.registry import Figure
from core import clock

RESULTS = Path(__file__).resolve().parent / "results"
HEADINGS = ("figure", "ours", "baseline", "ratio", "bar", "")


def table(figures: Sequence[Figure]) -> str:
    """The figures, one a line."""
    rows = [HEADINGS, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _row(figure: Figure) -> tuple[str, ...]:
    baseline = ""
    if figure.baseline_value is not None:
        baseline = f"{_number(figure.baseline_value)} {figure.baseline}"
    bar = "" if figure.least is None else f">= {figure.least:g}"
    bar = bar if figure.most is None else f"<= {figure.most:g}"
    verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    return (figure.name, f"{_number(figure.value)} {figure.unit}", baseline, ratio, bar, verdict)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def write(figures: Sequence[Figure], *, quick: bool, folder: Path = RESULTS) -> Path:
    """Write the run beside earlier ones of its day; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    moment = clock.now()
    path = folder / f"{moment.date().isoformat()}.json"
    runs: list[Any] = json.loads(path.read_text("utf-8")) if path.exists() else []
    runs.append(
        {
            "at": clock.to_wire(moment),
            "quick": quick,
            "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
            "figures": [_plain(figure) for figure in figures],
        }
    )
    path.write_text(json.dumps(runs, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path


def _plain(figure: Figure) -> dict[str, Any]:
    return {
        **asdict(figure),
        "value": figure.value,
        "baseline_value": figure.baseline_value,
        "ratio": figure.ratio,
        "ratios": figure.ratios if figure.baselines else [],
        "met": figure.met,
    }
