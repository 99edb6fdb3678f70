"""CSV files: UTF-8 with or without a mark, or GB18030 as Chinese Excel writes it; comma, semicolon or tab."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from core.errors import Invalid
from core.text import Text
from imports.cells import Line

UTF8, GB18030 = "utf-8", "gb18030"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = ",\t;"


def decode(content: bytes) -> tuple[str, str]:
    """The text and its encoding. Raises Invalid: the text is in neither."""
    if content.startswith(_UTF16):
        raise _unknown_encoding(0)
    try:
        return content.decode("utf-8-sig"), UTF8
    except UnicodeDecodeError as error:
        place = error.start
    try:
        text = content.decode(GB18030)
    except UnicodeDecodeError:
        raise _unknown_encoding(place) from None
    # Almost any bytes are GB18030 of some kind; those of another encoding lead to characters that nobody writes.
    if any("\ue000" <= char <= "\uf8ff" or char == "\ufffd" for char in text):
        raise _unknown_encoding(place)
    return text, GB18030


def lines(text: str) -> Iterator[Line]:
    """The lines of a CSV text, each with the number of the line on which it begins. Raises Invalid with the line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Invalid(
                "broken_csv",
                Text(
                    f"第 {start} 行的引号或分隔符有误，无法读取。请修正后重新上传。",
                    f"Line {start} cannot be read: its quotes or separators are wrong. Correct it and upload again.",
                ),
                line=start,
            ) from error
        yield Line(start, list(cells))


def _delimiter(text: str) -> str:
    """Whatever separates most in the first line that holds anything."""
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    return max(_DELIMITERS, key=first.count)


def _unknown_encoding(place: int) -> Invalid:
    return Invalid(
        "unknown_encoding",
        Text(
            f"无法识别文件编码（位置 {place}）。请在 Excel 中另存为“CSV UTF-8”或 XLSX 后重新上传。",
            f"Neither UTF-8 nor GB18030 (byte {place}). Save the file as “CSV UTF-8” or XLSX and upload it again.",
        ),
        byte=place,
    )
