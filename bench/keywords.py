"""Keywords: normalise and match 10,000 terms, against a bare dict DFA that normalises nothing; the pause of a swap."""

from __future__ import annotations

import gc
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from agent.fleet import texts as made_up
from bench.registry import Context, Figure, measures, say
from core.process import spare_the_collector
from policies import fold_tables
from policies.engine import KeywordSet, Scanner

TERMS, MOST_TERMS = 10_000, 50_000
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
    scanner = _scanner(terms)
    average = sum(map(len, messages)) / len(messages)
    say(f"{len(messages)} texts ({source}) of {average:.0f} characters, {len(terms)} terms")
    # The baseline's tree of dicts is gone before swaps are measured: nobody who serves has one.
    ours, theirs = _rates(scanner, _trie(terms), messages, context.rounds)
    detail = {"texts": len(messages), "source": source, "terms": len(terms), "steps": STEPS}
    name = f"normalise and match, {source}"
    yield Figure("keywords", name, "texts/s", ours, "dict DFA", theirs, least=LEAST, detail=detail)
    yield from _swaps(scanner, messages, context, rng)


def _swaps(scanner: Scanner, messages: Sequence[str], context: Context, rng: random.Random) -> Iterator[Figure]:
    """Swaps of sets of both sizes, in a process as `flask serve` leaves it when it begins to work."""
    with _as_served():
        for size, most in ((TERMS, MOST_PAUSE_MS), (MOST_TERMS, None)):
            terms = _terms(messages, context.size(size, 500), rng)
            swaps = [_swap(scanner, terms, messages) for _ in range(context.rounds)]
            detail = {"terms": len(terms), "load": os.getloadavg()[0], "scanned": [swap.scanned for swap in swaps]}
            name = f"swap of {len(terms)} terms"
            pauses = [swap.pause_ms for swap in swaps]
            yield Figure("keywords", f"{name}, pause", "ms", pauses, most=most, detail=detail)
            yield Figure("keywords", f"{name}, pause by the clock", "ms", [s.by_clock_ms for s in swaps], detail=detail)
            yield Figure("keywords", f"{name}, compiling", "ms", [s.compiling_ms for s in swaps], detail=detail)


@contextmanager
def _as_served() -> Iterator[None]:
    """The collector as the roles of a server set it: it does not walk through what was loaded before."""
    thresholds = gc.get_threshold()
    spare_the_collector()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


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


def _rates(
    scanner: Scanner, trie: Trie, messages: Sequence[str], rounds: int
) -> tuple[Sequence[float], Sequence[float]]:
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(_rate(lambda text: _search(trie, text), messages))
        ours.append(_rate(scanner.scan, messages))
    return ours, theirs


def _rate(find: Callable[[str], object], messages: Sequence[str]) -> float:
    """Texts a second of the processor: both run in this one thread."""
    began = time.process_time()
    for text in messages:
        find(text)
    return len(messages) / (time.process_time() - began)


class _Swap(NamedTuple):
    """What a swap costs the messages that come meanwhile.

    `pause_ms` is the most processor time that this process spent while one message waited: what the swap itself makes
    it wait. `by_clock_ms` is the longest wait by the clock, which on a busy machine also holds what others ran then.
    `compiling_ms` is processor time too.
    """

    pause_ms: float
    by_clock_ms: float
    compiling_ms: float
    scanned: int


def _swap(old: Scanner, terms: Sequence[str], messages: Sequence[str]) -> _Swap:
    """One thread looks at messages without a rest while another compiles the terms anew and puts them in force.

    Raises RuntimeError when a message that holds a new term is not found by whoever is in force after the swap.
    """
    held, spent = [old], [0.0]

    def compile_anew() -> None:
        began = time.thread_time()
        held[0] = _scanner(terms)
        spent[0] = time.thread_time() - began

    worker = threading.Thread(target=compile_anew)
    pause, by_clock, number = 0.0, 0.0, 0
    last, last_spent = time.perf_counter(), time.process_time()
    worker.start()
    swapping = True
    while swapping:
        swapping = worker.is_alive() or held[0] is old
        held[0].scan(messages[number % len(messages)])
        number += 1
        now, now_spent = time.perf_counter(), time.process_time()
        pause, last_spent = max(pause, now_spent - last_spent), now_spent
        by_clock, last = max(by_clock, now - last), now
    worker.join()
    if not held[0].scan(terms[-1]):
        raise RuntimeError("the new terms are not in force after the swap")
    return _Swap(pause * 1000, by_clock * 1000, spent[0] * 1000, number)


def data_file(name: str) -> Path:
    """A file of texts. Raises ValueError when its first line has none."""
    path = Path(name)
    with path.open(encoding="utf-8") as lines:
        if "text" not in json.loads(next(lines)):
            raise ValueError(f"{path}: each line is an object with “text”")
    return path
