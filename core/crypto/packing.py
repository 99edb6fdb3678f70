"""gzip in memory, bounded: what unpacks to more than it may is refused before it takes the room."""

from __future__ import annotations

import zlib

_GZIP = 16 + zlib.MAX_WBITS
"""What zlib takes for a gzip member with the widest window."""


class NotPacked(ValueError):
    """Not one whole gzip member within the limit; `too_large` says that the limit is why."""

    def __init__(self, *, too_large: bool = False) -> None:
        super().__init__("too_large" if too_large else "gzip")
        self.too_large = too_large


def pack(data: bytes, level: int = 6) -> bytes:
    """One gzip member, without a time or a name in it: equal bytes, equal result."""
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    return packer.compress(data) + packer.flush()


def unpack(data: bytes, limit: int) -> bytes:
    """Undo gzip up to a limit of bytes. Raises NotPacked for anything else than one whole member of that size."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(data, limit)
    except zlib.error as error:
        raise NotPacked from error
    if not unpacker.eof:
        raise NotPacked(too_large=bool(unpacker.unconsumed_tail))
    if unpacker.unused_data:
        raise NotPacked
    return plain
