"""Where settings come from: the environment (``SHOUJI_*``), else ``shouji.toml``, else their defaults."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.settings import FROM_ENVIRONMENT, FROM_FILE, PREFIX, Settings

CONFIG_FILE_VARIABLE = "SHOUJI_CONFIG_FILE"
DEFAULT_CONFIG_FILE = "shouji.toml"


class SettingsError(Exception):
    """A setting is wrong or unknown; the message names it and says what is expected."""


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from error


def load(environ: dict[str, str] | None = None) -> Settings:
    """Read environment and file into one immutable object.

    Raises SettingsError that names every wrong or unknown setting.
    """
    source = dict(os.environ) if environ is None else environ
    named = source.get(CONFIG_FILE_VARIABLE)
    file = Path(named or DEFAULT_CONFIG_FILE)
    if named and not file.is_file():
        raise SettingsError(f"{CONFIG_FILE_VARIABLE}: {file} is not a file")
    values = _from_file(file) if file.is_file() else {}
    sources = dict.fromkeys(values, FROM_FILE)
    for name, value in source.items():
        if name.startswith(PREFIX) and name != CONFIG_FILE_VARIABLE:
            plain = name.removeprefix(PREFIX).lower()
            values[plain], sources[plain] = value, FROM_ENVIRONMENT
    try:
        return Settings(**values)._from(sources)
    except ValidationError as error:
        raise SettingsError("\n".join(_describe(problem) for problem in error.errors())) from error


def _describe(problem: Any) -> str:
    name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
    if problem["type"] == "extra_forbidden":
        return f"{name}: unknown setting; docs/settings.md lists them all"
    if not problem["loc"]:
        return str(problem["msg"]).removeprefix("Value error, ")
    return f"{name}: {problem['msg'].removeprefix('Value error, ')}"
