"""The wire contract of the Shouji device protocol, version 1: topics, messages, figures and hashes.

A pure package (standard library and pydantic alone): all that the author of a device agent needs. Section
numbers (§) are those of ``docs/protocol.md``. It does no input or output, reads no clock and holds no keys.
"""
