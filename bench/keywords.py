"""Keywords: normalise and match 10,000 terms, against a bare dict DFA that normalises nothing; the pause of a swap."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from agent.fleet import texts as made_up
from bench.registry import Context, Figure, measures, say
from policies import fold_tables
from policies.engine import KeywordSet, Scanner

TERMS = 10_000
STEPS = ["width", "case", "traditional", "digits", "homoglyphs", "symbols", "repeats"]
LEAST, MOST_PAUSE_MS = 1.0, 50.0
END = ""
Trie = dict[str, Any]


@measures("keywords", "normalise and match 10,000 terms; swap them")
def run(context: Context) -> Iterator[Figure]:
    """On the texts of `--data` (JSON Lines with `text`), else on generated ones; the table says which."""
    rng = random.Random(11)
    source, messages = _messages(context, rng)
    terms = _terms(messages, context.size(TERMS, 500), rng)
    scanner, trie = _scanner(terms), _trie(terms)
    average = sum(map(len, messages)) / len(messages)
    say(f"{len(messages)} texts ({source}) of {average:.0f} characters, {len(terms)} terms")
    ours, theirs = [], []
    for _ in range(context.rounds):
        theirs.append(_rate(lambda text: _search(trie, text), messages))
        ours.append(_rate(scanner.scan, messages))
    detail = {"texts": len(messages), "source": source, "terms": len(terms), "steps": STEPS}
    name = f"normalise and match, {source}"
    yield Figure("keywords", name, "texts/s", ours, "dict DFA", theirs, least=LEAST, detail=detail)
    pauses = [_pause(scanner, terms, messages) for _ in range(context.rounds)]
    yield Figure("keywords", "pause of a swap", "ms", pauses, most=MOST_PAUSE_MS, detail=detail)


def _messages(context: Context, rng: random.Random) -> tuple[str, list[str]]:
    if context.data is not None:
        lines = context.data.read_text("utf-8").splitlines()
        return context.data.name, [json.loads(line)["text"] for line in lines if line.strip()]
    kinds = (made_up.EMPLOYEE, made_up.CUSTOMER, made_up.DOUBTFUL)
    count = context.size(15_000, 500)
    return "generated texts", [made_up.line(rng, rng.choice(kinds), made_up.name(rng)) for _ in range(count)]


def _terms(messages: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """Words of three to six characters of the texts, mixed: nearly none of them stands in a text, as in real sets."""
    han = [char for text in messages for char in text if "\u4e00" <= char <= "\u9fff"]
    found: dict[str, None] = {}
    while len(found) < count:
        word = [rng.choice(han) for _ in range(rng.randint(3, 6))]
        if all(one != other for one, other in pairwise(word)):
            found["".join(word)] = None
    return list(found)


def _scanner(terms: Sequence[str]) -> Scanner:
    listed = [{"id": term, "term": term} for term in terms]
    made = KeywordSet.model_validate({"set": "bench", "terms": listed, "steps": STEPS})
    return Scanner([made], fold_tables.tables(STEPS))


def _trie(terms: Sequence[str]) -> Trie:
    root: Trie = {}
    for term in terms:
        node = root
        for char in term:
            node = node.setdefault(char, {})
        node[END] = term
    return root


def _search(root: Trie, text: str) -> list[str]:
    found = []
    for start in range(len(text)):
        node = root
        for char in text[start:]:
            following = node.get(char)
            if following is None:
                break
            node = following
            if END in node:
                found.append(node[END])
    return found


def _rate(find: Callable[[str], object], messages: Sequence[str]) -> float:
    """Texts a second of the processor: both run in this one thread."""
    began = time.process_time()
    for text in messages:
        find(text)
    return len(messages) / (time.process_time() - began)


def _pause(old: Scanner, terms: Sequence[str], messages: Sequence[str]) -> float:
    """The longest that one message waits while another thread compiles the terms anew and puts them in force, in ms."""
    held = [old]
    worker = threading.Thread(target=lambda: held.__setitem__(0, _scanner(terms)))
    longest, number = 0.0, 0
    worker.start()
    while worker.is_alive() or held[0] is old:
        began = time.perf_counter()
        held[0].scan(messages[number % len(messages)])
        longest = max(longest, time.perf_counter() - began)
        number += 1
    worker.join()
    return longest * 1000


def data_file(name: str) -> Path:
    """A file of texts. Raises ValueError when its first line has none."""
    path = Path(name)
    with path.open(encoding="utf-8") as lines:
        if "text" not in json.loads(next(lines)):
            raise ValueError(f"{path}: each line is an object with “text”")
    return path
