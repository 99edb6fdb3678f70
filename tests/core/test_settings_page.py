from __future__ import annotations

from pathlib import Path

from config import reference
from config.settings import Settings

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "settings.md"


def test_the_settings_page_is_what_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == reference.render()


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description and field.description.endswith(".") for field in Settings.model_fields.values())
