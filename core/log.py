"""The one way to get a logger."""

from __future__ import annotations

from typing import cast

import structlog


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A structured logger; events are snake_case, values never hold secrets, numbers or texts."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger(name))
