"""`flask keywords test`: a keyword set against texts that people marked."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask.cli import AppGroup

from core import terminal
from core.actor import system_actor
from core.errors import Invalid, ShoujiError
from core.text import Text
from policies import documents, keyword_measure, keyword_tests
from policies.language.kinds import KeywordSet, KeywordSetSpec
from policies.language.parse import parse

cli = AppGroup("keywords", help="Keyword sets, tried out.")


@cli.command("test")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def test_command(name: str, file: Path, as_json: bool) -> None:
    """Measure NAME (a set in the database, or a YAML file with one) on FILE.

    FILE is JSON Lines: {"text": …, "hit": true|false}, or "messages": […] for consecutive ones; the last is judged.
    """
    try:
        sets = _from_file(Path(name)) if Path(name).is_file() else _from_database(name)
        with file.open(encoding="utf-8") as lines:
            made = keyword_measure.measure(keyword_tests.scanner(sets), lines)
    except ShoujiError as error:
        raise terminal.failure(error) from error
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file}: not UTF-8 at byte {error.start}") from error
    click.echo(json.dumps(made.plain(), ensure_ascii=False) if as_json else "\n".join(_lines(made)))


def _from_file(path: Path) -> dict[str, KeywordSetSpec]:
    sets = _read(path.read_bytes())
    if not sets:
        raise Invalid("no_keyword_set", Text(f"{path} 中没有 KeywordSet。", f"There is no KeywordSet in {path}."))
    return sets


def _from_database(name: str) -> dict[str, KeywordSetSpec]:
    with terminal.command(write=False):
        text = documents.text(system_actor("cli"), "KeywordSet", name)
    return _read(text.encode())


def _read(body: bytes) -> dict[str, KeywordSetSpec]:
    models = [read.model for read in parse(body)]
    return {one.metadata.name: one.spec for one in models if isinstance(one, KeywordSet)}


def _lines(made: keyword_measure.Measure) -> list[str]:
    told = [f"MISS line {one['line']}: {one['text']}" for one in made.misses]
    for one in made.false_alarms:
        found = ", ".join(f"{hit['term']} in “{hit['piece']}”" for hit in one["found"])
        told.append(f"FALSE ALARM line {one['line']}: {one['text']}  [{found}]")
    plain = made.plain()
    shares = [f"{name} {_share(plain[name])}" for name in ("precision", "recall")]
    counts = [f"{len(made.misses)} missed", f"{len(made.false_alarms)} false alarms"]
    return [*told, f"{plain['samples']} samples: {', '.join([*shares, *counts])}"]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
