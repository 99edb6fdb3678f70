"""The contact book: verified, kept sealed, erased when its time is over (§11)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from agent import crypto
from agent.core import Core
from agent.errors import AgentError, Untrusted
from agent.http import Answer, expected
from agent.keydesk import KeyDesk
from mqtt.contract.codec import BadPayload
from mqtt.contract.contacts import Contact, Contacts, ContactsPointer, Point
from mqtt.contract.names import Typ

log = logging.getLogger("agent.contacts")
CHECK_S = 60.0


class Book:
    """Whom the holder may see and call; addresses never leave it but to the dialler."""

    def __init__(self, core: Core, keys: KeyDesk, integrity: Callable[[str, str], object]) -> None:
        self._core = core
        self._keys = keys
        self._integrity = integrity
        self._book: Contacts | None = None
        kept = core.store.get("contacts")
        if kept is not None:
            self._book = Contacts.take(kept)
        self.watch()

    @property
    def version(self) -> int:
        """Version of the book that is held; 0 for none."""
        return self._book.version if self._book else 0

    @property
    def contacts(self) -> list[Contact]:
        """The contacts."""
        return list(self._book.contacts) if self._book else []

    def find(self, point_id: str) -> tuple[Contact, Point] | None:
        """The contact and point of a contact point's id."""
        for contact in self.contacts:
            for point in contact.points:
                if point.id == point_id:
                    return contact, point
        return None

    def by_address(self, channel: str, address: str | None) -> tuple[Contact, Point] | None:
        """The contact whose book entry has this address; only with `delivery: book`."""
        for contact in self.contacts:
            for point in contact.points:
                if address is not None and (point.channel, point.address) == (channel, address):
                    return contact, point
        return None

    def on_contacts(self, payload: bytes) -> None:
        """A message on `down/contacts`: the book, or a pointer to it."""
        if not payload:
            return
        if payload.count(b".") == 2:
            self._keys.check(payload, Typ.CONTACTS_POINTER, self._pointer, self._bad)
        else:
            self._open(payload)

    def _bad(self, reason: str) -> None:
        self._integrity("contacts", reason)

    def _open(self, payload: bytes) -> None:
        try:
            token = crypto.decrypt(self._core.keys, payload)
        except Untrusted as error:
            self._bad(error.code)
            return
        self._keys.check(token, Typ.CONTACTS, self._take, self._bad)

    def _take(self, claims: dict[str, Any]) -> None:
        try:
            book = Contacts.take(claims)
        except BadPayload as error:
            self._bad(error.reason)
            return
        self._core.learn(book.iat)
        old = self._book
        if old is not None and (book.version < old.version or (book.version, book.iat) <= (old.version, old.iat)):
            return
        if book.exp <= self._core.clock.server_time():
            return
        self._book = book
        self._core.store.put("contacts", book.wire())

    def _pointer(self, claims: dict[str, Any]) -> None:
        try:
            pointer = ContactsPointer.take(claims)
        except BadPayload as error:
            self._bad(error.reason)
            return
        self._core.learn(pointer.iat)
        if self._book is not None and (pointer.version, pointer.iat) <= (self._book.version, self._book.iat):
            return
        self._core.ask(
            lambda: self._core.api.request("GET", "device/contacts"), lambda got: self._fetched(pointer, got)
        )

    def _fetched(self, pointer: ContactsPointer, got: Answer | Exception) -> None:
        try:
            body = expected(got, 200).body
        except AgentError as error:
            log.info("the contact book could not be fetched: %s", error.code)
            return
        if len(body) != pointer.size or crypto.sha256_hex(body) != pointer.digest:
            self._bad("digest")
            return
        self._open(body)

    def watch(self) -> None:
        """Erase the book when it has expired; looked at every minute."""
        if self._book is not None and self._book.exp <= self._core.clock.server_time():
            self.erase()
        self._core.loop.call_later(CHECK_S, self.watch)

    def erase(self) -> None:
        """Forget the book."""
        self._book = None
        self._core.store.forget("contacts")
