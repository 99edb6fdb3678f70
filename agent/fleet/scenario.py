"""Scenario files: what befalls a simulated fleet, and when. TOML, read whole, errors named."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from agent.fleet.behaviours import BEHAVIOURS
from agent.fleet.deeds import DEEDS
from agent.weather import Forecast

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0, le=7 * 86_400.0)]


class ScenarioError(ValueError):
    """The file is wrong; the message names each place."""


class Network(BaseModel):
    """Weather for all phones, from the start to the end of the scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    drop: Share = 0.0
    duplicate: Share = 0.0
    delay: Share = 0.0
    delay_s: Seconds = 3.0
    reorder: Share = 0.0

    def forecast(self) -> Forecast:
        """For the phones' weather."""
        return Forecast(**self.model_dump())


class Step(BaseModel):
    """One deed at a time, in seconds from the start, done by some phones; `for` is how long it lasts, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    at: Seconds
    do: str
    phones: str | int | list[int] = "all"
    lasts: Seconds = Field(30.0, alias="for")
    value: float | str | None = None

    @field_validator("do")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in DEEDS:
            raise ValueError(f"there is no “{value}”; there are: {', '.join(sorted(DEEDS))}")
        return value

    @field_validator("phones")
    @classmethod
    def _selects(cls, value: str | int | list[int]) -> str | int | list[int]:
        if isinstance(value, str) and value != "all" and not _is_percentage(value):
            raise ValueError("expected “all”, a percentage such as “10%”, a number, or a list of indexes")
        return value

    def chosen(self, count: int, rng: random.Random) -> list[int]:
        """Indexes of the phones that do it; equal seeds choose equal phones."""
        if isinstance(self.phones, list):
            return [index for index in self.phones if 0 <= index < count]
        if self.phones == "all":
            return list(range(count))
        wanted = self.phones if isinstance(self.phones, int) else round(count * float(self.phones[:-1]) / 100)
        return sorted(rng.sample(range(count), min(count, max(0, wanted))))


class Scenario(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    seconds: Seconds = 60.0
    settle_s: Seconds = 120.0
    behaviour: str = "office"
    pace: Annotated[float, Field(ge=0.0, le=36_000.0)] = 12.0
    heartbeat_s: Annotated[float, Field(gt=0.0)] | None = None
    network: Network = Network()
    step: list[Step] = []

    @field_validator("behaviour")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in BEHAVIOURS:
            raise ValueError(f"there is no “{value}”; there are: {', '.join(sorted(BEHAVIOURS))}")
        return value

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        late = [step.do for step in self.step if step.at > self.seconds]
        if late:
            raise ValueError(f"steps after the end ({self.seconds:g} s): {', '.join(late)}")
        return self


def read(path: Path) -> Scenario:
    """Read a scenario file. Raises ScenarioError that names each wrong member and what is expected."""
    try:
        return Scenario.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    except ValidationError as error:
        raise ScenarioError("\n".join(f"{path}: {_where(one)}: {one['msg']}" for one in error.errors())) from error


def _where(problem: Any) -> str:
    return ".".join(str(part) for part in problem["loc"]) or "scenario"


def _is_percentage(text: str) -> bool:
    number = text[:-1] if text.endswith("%") else ""
    return number.replace(".", "", 1).isdigit() and float(number) <= 100
