"""Telling people something: one notice, carried by every registered channel."""
