"""The desired state: verified, fetched, applied whole or not at all, reported (§7)."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

import policies.engine as engine
from agent.backoff import Backoff
from agent.core import Core
from agent.errors import AgentError, Untrusted
from agent.fetch import Fetcher, open_document
from agent.keydesk import KeyDesk
from agent.loop import Timer
from mqtt.contract.codec import BadPayload
from mqtt.contract.desired import Bundle as BundleDocument
from mqtt.contract.desired import BundleRef, Desired
from mqtt.contract.names import Outcome, Typ, Up
from mqtt.contract.reported import ReportedBody

log = logging.getLogger("agent.policy")
RETRY_FIRST_S = 15.0
Picky = Callable[[dict[str, Any]], str | None]


def _takes_all(_rules: dict[str, Any]) -> str | None:
    return None


_COMPILED_MAX = 64


@dataclass(frozen=True, slots=True)
class InForce:
    """What this phone obeys."""

    generation: int
    ref: BundleRef
    bundle: engine.Bundle
    outcomes: dict[str, str]


_Made = tuple[engine.Bundle, dict[str, str]]


class Compiled:
    """Compiled bundles by digest and capabilities: equal policies of many phones are compiled once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, frozenset[str]], _Made] = OrderedDict()
        self._compiling = Lock()

    def known(self, digest: str, capabilities: frozenset[str]) -> _Made | None:
        """What was compiled before."""
        return self._kept.get((digest, capabilities))

    def get(
        self, digest: str, document: BundleDocument, blobs: dict[str, bytes], capabilities: frozenset[str]
    ) -> _Made:
        """The rules that can be carried out, and the outcome per family. Raises Untrusted on a bad blob."""
        key = (digest, capabilities)
        with self._compiling:
            made = self._kept.get(key)
            if made is None:
                made = self._kept[key] = _compile(document, blobs, capabilities)
                if len(self._kept) > _COMPILED_MAX:
                    self._kept.popitem(last=False)
        return made


_compiled = Compiled()


def _compile(
    document: BundleDocument, blobs: dict[str, bytes], capabilities: frozenset[str]
) -> tuple[engine.Bundle, dict[str, str]]:
    named: dict[str, dict[str, Any]] = {"keyword_set": {}, "calendar": {}, "fold_table": {}}
    for ref in document.blobs:
        named[ref.kind.value][ref.name] = open_document(blobs[ref.digest], ref.key)
    reading = engine.read_rules(document.rules, capabilities)
    try:
        bundle = engine.Bundle(
            rules=reading.rules,
            keyword_sets={
                name: engine.KeywordSet.model_validate(value) for name, value in named["keyword_set"].items()
            },
            calendars={name: engine.WorkCalendar.model_validate(value) for name, value in named["calendar"].items()},
            fold_tables={name: engine.FoldTable.model_validate(value) for name, value in named["fold_table"].items()},
        )
    except ValueError:
        raise Untrusted("blob_form") from None
    # Now, not when the first message is looked at: it would wait for all the terms.
    _ = bundle.scanner
    return bundle, dict(reading.outcome)


class PolicyDesk:
    """Handles desired states one at a time, the newest only."""

    def __init__(
        self, core: Core, keys: KeyDesk, integrity: Callable[[str, str], object], on_notice: Callable[[str], object]
    ) -> None:
        self._core = core
        self._keys = keys
        self._integrity = integrity
        self._on_notice = on_notice
        self.fetcher = Fetcher(core)
        kept = core.store.get("policy") or {}
        self.highest: int = kept.get("highest", 0)
        self._highest_digest: str | None = kept.get("highest_digest")
        self._notice_iat: int = kept.get("notice_iat", 0)
        self.reported: dict[str, Any] | None = kept.get("reported")
        self.in_force: InForce | None = None
        self.applied: Callable[[], object] = lambda: None
        self._fault: str | None = None
        self._picky: Picky = _takes_all
        self._round = 0
        self._retry: Timer | None = None
        self._backoff = Backoff(core.rng, RETRY_FIRST_S)
        self._restore(kept.get("in_force"))

    @property
    def bundle(self) -> engine.Bundle:
        """The rules in force; none before the first policy."""
        return self.in_force.bundle if self.in_force else engine.Bundle()

    @property
    def generation(self) -> int:
        """The generation in force; 0 for none."""
        return self.in_force.generation if self.in_force else 0

    @property
    def digest(self) -> str | None:
        """Digest of the bundle in force."""
        return self.in_force.ref.digest if self.in_force else None

    def rule(self, family: str) -> Any:
        """The rule of a family in force, or None."""
        return self.bundle.rules.get(family)

    def _restore(self, kept: dict[str, Any] | None) -> None:
        if kept is None:
            return
        self.fetcher.held.update(kept["held"])
        ref = BundleRef.take(kept["ref"])
        blobs = {digest: self._core.store.blob(digest) or b"" for digest in kept["held"]}
        try:
            document = BundleDocument.take(open_document(blobs[ref.digest], ref.key))
            bundle, outcomes = _compiled.get(ref.digest, document, blobs, self._core.options.capabilities)
        except (AgentError, BadPayload, KeyError):
            log.exception("the policy on disk cannot be read; the next desired state brings it again")
            return
        self.in_force = InForce(kept["generation"], ref, bundle, outcomes)

    # Desired states

    def on_desired(self, payload: bytes) -> None:
        """A message on `down/desired`."""
        if payload:
            self._keys.check(payload, Typ.DESIRED, self._take, lambda why: self._integrity("desired", why))

    def _take(self, claims: dict[str, Any]) -> None:
        try:
            desired = Desired.take(claims)
        except BadPayload as error:
            self._integrity("desired", error.reason)
            return
        self._core.learn(desired.iat)
        if desired.generation < self.highest:
            return
        digest = desired.bundle.digest
        if desired.generation == self.highest and self._highest_digest not in (None, digest):
            self._report(desired.generation, digest, Outcome.REJECTED, "equal_generation")
            return
        if desired.iat >= self._notice_iat:
            self._notice_iat = desired.iat
            self._on_notice(desired.notice or "")
        self.highest, self._highest_digest = desired.generation, digest
        self._save()
        self._begin(desired)

    def _begin(self, desired: Desired) -> None:
        if self.in_force and (self.in_force.generation, self.in_force.ref.digest) == (
            desired.generation,
            desired.bundle.digest,
        ):
            self._say_applied()
            return
        self._round += 1
        if self._retry is not None:
            self._retry.cancel()
        self.fetcher.cancel()
        if self._fault is not None:
            self._refused(desired, Untrusted(self._fault))
            return
        current = self._round
        self.fetcher.get(desired.bundle, lambda got: self._bundle_here(current, desired, got))

    def _opened(self, desired: Desired, got: bytes) -> BundleDocument:
        document = BundleDocument.take(open_document(got, desired.bundle.key))
        if word := self._picky(document.rules):
            raise Untrusted(word)
        return document

    def _bundle_here(self, current: int, desired: Desired, got: bytes | AgentError) -> None:
        if current != self._round:
            return
        if isinstance(got, AgentError):
            self._failed(desired, got)
            return
        try:
            document = self._opened(desired, got)
        except (Untrusted, BadPayload) as error:
            self._refused(desired, error)
            return
        blobs: dict[str, bytes] = {desired.bundle.digest: got}
        wanted = {ref.digest: ref for ref in document.blobs}

        def here(digest: str, arrived: bytes | AgentError) -> None:
            if current != self._round:
                return
            if isinstance(arrived, AgentError):
                self._failed(desired, arrived)
                return
            blobs[digest] = arrived
            wanted.pop(digest, None)
            if not wanted:
                self._apply(desired, document, blobs)

        if not wanted:
            self._apply(desired, document, blobs)
        for ref in list(wanted.values()):
            self.fetcher.get(ref, partial(here, ref.digest))

    def _apply(self, desired: Desired, document: BundleDocument, blobs: dict[str, bytes]) -> None:
        """Compile beside the loop: messages go on under the old rules until the new ones are in force, all at once."""
        self._round += 1
        current, digest, capabilities = self._round, desired.bundle.digest, self._core.options.capabilities
        known = _compiled.known(digest, capabilities)
        if known is not None:
            self._enforce(desired, known, blobs)
            return

        def compiled(made: _Made | Exception) -> None:
            if current == self._round:
                self._enforce(desired, made, blobs)

        self._core.loop.submit(lambda: _compiled.get(digest, document, blobs, capabilities), compiled)

    def _enforce(self, desired: Desired, made: _Made | Exception, blobs: dict[str, bytes]) -> None:
        if isinstance(made, Untrusted):
            self._refused(desired, made)
            return
        if isinstance(made, Exception):
            raise made
        self._backoff.reset()
        self.in_force = InForce(desired.generation, desired.bundle, *made)
        self.fetcher.held = set(blobs)
        self._say_applied()
        self.applied()

    def _failed(self, desired: Desired, error: AgentError) -> None:
        self._round += 1
        self._report(desired.generation, desired.bundle.digest, Outcome.FAILED, error.code)
        wait = RETRY_FIRST_S / 3 + self._backoff.next()
        self._retry = self._core.loop.call_later(wait, self._begin, desired)

    def _refused(self, desired: Desired, error: AgentError | BadPayload) -> None:
        self._round += 1
        reason = error.code if isinstance(error, AgentError) else error.reason
        self._report(desired.generation, desired.bundle.digest, Outcome.REJECTED, reason)

    def refuse(self, word: str) -> None:
        """For simulations: reject the newest desired state, and every one that comes, until `relent`."""
        self._fault = word
        if self.highest:
            self._report(self.highest, self._highest_digest, Outcome.REJECTED, word)

    def refuse_some(self, picky: Picky) -> None:
        """For simulations: reject every bundle that comes whose rules are refused with a word."""
        self._picky = picky

    def relent(self) -> None:
        """Be sensible again."""
        self._fault, self._picky = None, _takes_all
        self._say_applied()

    # Reports

    def _say_applied(self) -> None:
        if self.in_force is None:
            return
        force = self.in_force
        self._report(force.generation, force.ref.digest, Outcome.APPLIED, None, force.outcomes)

    def _report(
        self,
        generation: int | None,
        digest: str | None,
        outcome: Outcome,
        detail: str | None,
        rules: dict[str, str] | None = None,
    ) -> None:
        body = ReportedBody.take(
            {
                "generation": generation,
                "bundle": digest,
                "outcome": outcome,
                "detail": detail,
                "at": self._core.clock.server_now(),
                "rules": rules or {},
            }
        )
        self.reported = body.wire()
        self._save()
        self._core.publish(Up.REPORTED, self._core.sign(Typ.REPORTED, self.reported).encode())

    def erase(self) -> None:
        """Lift the policy, as part of a wipe."""
        self._round += 1
        self.fetcher.cancel()
        self.fetcher.held = set()
        self.in_force = None
        self._save()

    def _save(self) -> None:
        force = self.in_force
        kept = force and {
            "generation": force.generation,
            "ref": force.ref.wire(),
            "held": sorted(self.fetcher.held),
        }
        self._core.store.put(
            "policy",
            {
                "highest": self.highest,
                "highest_digest": self._highest_digest,
                "notice_iat": self._notice_iat,
                "reported": self.reported,
                "in_force": kept,
            },
        )
