"""One file per kind of import. Importing registers all of them."""

from __future__ import annotations

import importlib
import pkgutil

from imports.registry import all_kinds

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

NAMES = tuple(kind.name for kind in all_kinds())
