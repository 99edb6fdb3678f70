"""Scenario files: read whole, wrong ones named; choices follow the seed; every deed and scenario is there."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agent.fleet import scenario
from agent.fleet.deeds import DEEDS
from agent.fleet.scenario import Scenario, ScenarioError, Step
from agent.link import Done
from agent.loop import Loop
from agent.weather import Forecast, Rough

SHIPPED = sorted((Path(scenario.__file__).parents[1] / "scenarios").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_each_shipped_scenario_is_read(path: Path) -> None:
    read = scenario.read(path)
    assert read.title and read.step


def test_a_bad_day_shows_every_deed() -> None:
    bad_day = next(path for path in SHIPPED if path.stem == "bad-day")
    assert {step.do for step in scenario.read(bad_day).step} == set(DEEDS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seconds = ", "Invalid value"),
        ("second = 3", "second: Extra inputs are not permitted"),
        ("pace = -1", "pace: Input should be greater than or equal to 0"),
        ("[network]\ndrop = 2", "network.drop"),
        ("[[step]]\nat = 1\ndo = 'dance'", "step.0.do: Value error, there is no “dance”; there are: change_sim"),
        ("[[step]]\nat = 1\ndo = 'root'\nphones = 'many'", "step.0.phones"),
        ("[[step]]\nat = 1\ndo = 'root'\nphones = '200%'", "step.0.phones"),
        ("seconds = 5\n[[step]]\nat = 6\ndo = 'root'", "steps after the end (5 s): root"),
        ("behaviour = 'lazy'", "there is no “lazy”"),
    ],
)
def test_a_wrong_file_is_told_by_file_and_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ScenarioError) as error:
        scenario.read(path)
    assert str(path) in str(error.value)
    assert says in str(error.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none\.toml"):
        scenario.read(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("phones", "count"), [("all", 40), ("25%", 10), ("0%", 0), (7, 7), (70, 40), ([0, 3, 99], 2)], ids=str
)
def test_phones_are_chosen_by_share_number_or_index(phones: Any, count: int) -> None:
    step = Step(at=1, do="root", phones=phones)
    chosen = step.chosen(40, random.Random(1))
    assert len(chosen) == count
    assert chosen == step.chosen(40, random.Random(1))
    if phones in ("25%", 7):
        assert chosen != step.chosen(40, random.Random(2))


class _FakeLink:
    alive = True

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def publish(self, _topic: str, payload: bytes, done: Done | None = None) -> None:
        self.sent.append(payload)


def _weather(forecast: Forecast) -> tuple[Loop, _FakeLink, Rough, Counter[str]]:
    loop, link, did = Loop(1, 1), _FakeLink(), Counter[str]()
    return loop, link, Rough(loop, forecast, random.Random(3), did), did


def test_the_weather_does_what_was_forecast_and_counts_it() -> None:
    for forecast, expected in (
        (Forecast(drop=1.0), 0),
        (Forecast(duplicate=1.0), 200),
        (Forecast(), 100),
    ):
        loop, link, rough, did = _weather(forecast)
        for number in range(100):
            rough.out(link, "t", str(number).encode(), None)  # type: ignore[arg-type]
        loop.stop()
        assert len(link.sent) == expected
        assert sum(did.values()) == (100 if forecast != Forecast() else 0)


def test_a_message_that_is_overtaken_arrives_after_the_next_one() -> None:
    loop, link, rough, did = _weather(Forecast(reorder=0.3))
    sent = [str(number).encode() for number in range(200)]
    for payload in sent:
        rough.out(link, "t", payload, None)  # type: ignore[arg-type]
    rough._release()
    loop.stop()
    assert sorted(link.sent) == sorted(sent)
    assert link.sent != sent
    assert 20 < did["reordered"] < 100


def test_a_scenario_has_sensible_defaults() -> None:
    read = Scenario()
    assert (read.network.forecast(), read.step) == (Forecast(), [])


def test_the_page_tells_every_deed_and_its_finding() -> None:
    page = (Path(scenario.__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
    for name, deed in DEEDS.items():
        row = next(line for line in page.splitlines() if line.startswith("| ") and f"`{name}`" in line.split(" | ")[0])
        assert deed.finding is None or f"`{deed.finding}`" in row
