"""Cryptography: the key ring, sealed envelopes, blind indexes, JOSE and certificates. No other room touches a key."""
