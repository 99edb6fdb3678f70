"""Rule families, one file each; importing this package registers all of them."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from pydantic import create_model

from policies.rules.forms import Spec
from policies.rules.registry import families

_SHARED = {"algebra", "registry", "forms", "merging"}

for _module in pkgutil.iter_modules(__path__):
    if _module.name not in _SHARED:
        importlib.import_module(f"{__name__}.{_module.name}")

_members: dict[str, Any] = {name: (family.spec | None, None) for name, family in families().items()}
PolicySpec = create_model("PolicySpec", __base__=Spec, **_members)
PolicySpec.__doc__ = "The `spec` of a Policy: one optional member for each family."
