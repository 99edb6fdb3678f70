"""Texts for people, in both languages at the place where they are said."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("zh-CN", "en")
DEFAULT_LANGUAGE = "zh-CN"


@dataclass(frozen=True, slots=True)
class Text:
    """One text in Chinese and English; a pair cannot be half translated."""

    zh: str
    en: str

    def pick(self, language: str) -> str:
        """The text in the given language (`zh-CN` or `en`)."""
        return self.en if language == "en" else self.zh

    def format(self, **values: object) -> Text:
        """Both texts with the values filled in by name."""
        return Text(self.zh.format(**values), self.en.format(**values))


def negotiate(accept_language: str | None) -> str:
    """`en` when the header asks for English before Chinese, else the default."""
    for part in (accept_language or "").lower().split(","):
        tag = part.split(";")[0].strip()
        if tag.startswith("zh"):
            return "zh-CN"
        if tag.startswith("en"):
            return "en"
    return DEFAULT_LANGUAGE
