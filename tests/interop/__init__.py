"""Clients in other languages, written from docs/protocol.md alone, against a whole server."""
