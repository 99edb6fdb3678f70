"""Kinds of requests for a second person, each registered by its room with what whoever asks must hold."""

from __future__ import annotations

from core.permissions import Permission

_needed: dict[str, frozenset[Permission]] = {}


def kind(name: str, *needed: Permission) -> str:
    """Register a kind with what its requester must hold, when asking and still at execution; returns its name."""
    _needed[name] = frozenset(needed)
    return name


def needed_for(name: str) -> frozenset[Permission]:
    """What the requester of that kind must hold. Raises KeyError for one that no room has registered."""
    return _needed[name]
