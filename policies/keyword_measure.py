"""How well keyword sets find what people marked: precision, recall, every miss and every false alarm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import Invalid
from core.text import Text
from policies.engine import Scanner


class Sample(BaseModel):
    """One line: a text, or consecutive messages of one conversation, of which the last is judged; must it be found?"""

    model_config = ConfigDict(extra="ignore", strict=True)

    text: str | None = None
    messages: Annotated[list[str], Field(min_length=1)] | None = None
    hit: bool

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.messages is None):
            raise ValueError("give “text” or “messages”, one of both")
        return self

    @property
    def last(self) -> str:
        """The text that is judged."""
        return self.messages[-1] if self.messages else self.text or ""

    @property
    def before(self) -> list[str]:
        """What was said before it."""
        return self.messages[:-1] if self.messages else []


@dataclass(slots=True)
class Measure:
    """Counts, and the samples behind the two that should be none."""

    true_hits: int = 0
    true_passes: int = 0
    misses: list[dict[str, Any]] = field(default_factory=list)
    false_alarms: list[dict[str, Any]] = field(default_factory=list)

    @property
    def precision(self) -> float | None:
        """Of what was found, how much was right; None when nothing was found."""
        found = self.true_hits + len(self.false_alarms)
        return self.true_hits / found if found else None

    @property
    def recall(self) -> float | None:
        """Of what should be found, how much was; None when nothing should."""
        wanted = self.true_hits + len(self.misses)
        return self.true_hits / wanted if wanted else None

    def plain(self) -> dict[str, Any]:
        """For programs."""
        return {
            "samples": self.true_hits + self.true_passes + len(self.misses) + len(self.false_alarms),
            "true_hits": self.true_hits,
            "true_passes": self.true_passes,
            "precision": self.precision,
            "recall": self.recall,
            "misses": self.misses,
            "false_alarms": self.false_alarms,
        }


def samples(lines: Iterable[str]) -> Iterator[tuple[int, Sample]]:
    """Line number and sample of each line of JSON Lines; empty ones are passed over. Raises Invalid with the line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, Sample.model_validate_json(line)
        except ValidationError as error:
            why = error.errors()[0]["msg"]
            raise Invalid(
                "bad_sample",
                Text(
                    f'第 {number} 行不是有效样本：{why}。每行应为 {{"text": …, "hit": true|false}}。',
                    f'Line {number} is no sample: {why}. Each line is {{"text": …, "hit": true|false}}.',
                ),
                line=number,
            ) from error


def measure(scanner: Scanner, lines: Iterable[str]) -> Measure:
    """Judge every sample."""
    made = Measure()
    for number, sample in samples(lines):
        hits = scanner.scan(sample.last, sample.before)
        if bool(hits) == sample.hit:
            made.true_hits += sample.hit
            made.true_passes += not sample.hit
        elif sample.hit:
            made.misses.append({"line": number, "text": sample.last})
        else:
            found = [{"term": hit.term, "piece": sample.last[max(0, hit.start) : hit.end]} for hit in hits]
            made.false_alarms.append({"line": number, "text": sample.last, "found": found})
    return made
