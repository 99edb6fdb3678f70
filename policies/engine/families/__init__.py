"""One file per family.

The form of its rule in a bundle, and how it is judged. Importing registers all of them.
"""

from __future__ import annotations

import importlib
import pkgutil

from policies.engine.registry import families

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

FAMILIES = families()
