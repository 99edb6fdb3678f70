"""Fills in what docs/protocol.md takes from the code, and writes docs/schemas/ and docs/asyncapi.json.

`python -m scripts.protocol_page` does so.
A generated part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; a test keeps page and code equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from fleet.commands.states import transition_table_markdown
from mqtt.contract import limits
from mqtt.contract.command import ARGS
from policies.asyncapi import document
from policies.wire_schemas import wire_schemas
from scripts import protocol_vectors
from scripts.member_tables import tables

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
PAGE: Final = DOCS / "protocol.md"
SCHEMAS: Final = DOCS / "schemas"
ASYNCAPI: Final = DOCS / "asyncapi.json"
_PART = re.compile(r"(<!-- begin ([a-z-]+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)
_SECTION = re.compile(r"# (§\d+|Form of JSON)")
_FIGURE = re.compile(r"([A-Z][A-Z0-9_]+): Final = [^#]+?  # (.+)")


def render(text: str) -> str:
    """The page with its generated parts as the code has them. Raises KeyError for a part that nobody makes."""
    return _PART.sub(lambda found: found[1] + PARTS[found[2]]() + found[3], text)


def schema_files() -> dict[str, str]:
    """File name to content of everything in docs/schemas/."""
    return {
        f"{name}.json": json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
        for name, schema in wire_schemas().items()
    }


def asyncapi_file() -> str:
    """Content of docs/asyncapi.json."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def figures() -> list[tuple[str, str, int | float, str]]:
    """Section, name, value and meaning of every figure of the contract."""
    section, found = "", []
    for line in Path(str(limits.__file__)).read_text("utf-8").splitlines():
        if heading := _SECTION.match(line):
            section = heading[1] if heading[1].startswith("§") else "all"
        elif figure := _FIGURE.match(line):
            found.append((section, figure[1], getattr(limits, figure[1]), figure[2]))
    return found


def _limits() -> str:
    rows = [f"| {section} | `{name}` | {value:,} | {says} |" for section, name, value, says in figures() if section]
    return "| § | figure | value | what it is |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"


def _args() -> str:
    rows = []
    schemas = wire_schemas()
    for kind in ARGS:
        properties = schemas[f"command-{kind.value.replace('_', '-')}-args"].get("properties", {})
        members = "; ".join(f"`{name}`: {_form(member)}" for name, member in properties.items())
        rows.append(f"| `{kind.value}` | {members or 'none: `{}`'} |")
    return "| type | args, all of them always there |\n| --- | --- |\n" + "\n".join(rows) + "\n"


def _form(member: Mapping[str, Any]) -> str:
    table = "".join(tables("x", {"properties": {"x": member}, "required": ["x"]}))
    return table.splitlines()[-1].split("|")[2].strip()


def _members() -> str:
    parts = [
        part for name, schema in wire_schemas().items() if not name.endswith("-args") for part in tables(name, schema)
    ]
    return "\n".join(parts)


def _schema_names() -> str:
    return ", ".join(f"[`{name}`](schemas/{name}.json)" for name in wire_schemas()) + "\n"


def _vector(*path: str) -> str:
    value = json.loads(protocol_vectors.FILE.read_text("utf-8"))
    for step in path:
        value = value[step]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return f"```{'text' if isinstance(value, str) else 'json'}\n{text.rstrip()}\n```\n"


def _chain() -> str:
    chain = json.loads(protocol_vectors.FILE.read_text("utf-8"))["chain"]
    lines = ["```text"]
    for number, (text, leaf) in enumerate(zip(chain["texts"], chain["leaves"], strict=True), 1):
        lines += [f"text {number} = {text}", f"leaf {number} = {leaf}"]
    lines += [f"h({number}) = {value}" for number, value in enumerate(chain["h"])]
    lines += [f"signed = {chain['signature_input']}", f"sig    = {chain['batch']['sig']}", "```\n"]
    return "\n".join(lines)


def _blob() -> str:
    blob = json.loads(protocol_vectors.FILE.read_text("utf-8"))["blob"]
    order = ("document", "document_sha256", "secret", "key", "blob", "digest", "size")
    return "\n".join(["```text", *(f"{name} = {blob[name]}" for name in order), "```\n"])


def _attestation() -> str:
    told = json.loads(protocol_vectors.FILE.read_text("utf-8"))["attestation"]
    lines = ["```text", *(f"{name} = {told[name]}" for name in ("token", "challenge"))]
    return "\n".join([*lines, *(pem.rstrip() for pem in told["chain"]), "```\n"])


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "limits": _limits,
    "transitions": transition_table_markdown,
    "args": _args,
    "members": _members,
    "schema-names": _schema_names,
    "vector-keys": partial(_vector, "keys"),
    "vector-jwt-claims": partial(_vector, "jwt", "claims"),
    "vector-jwt": partial(_vector, "jwt", "token"),
    "vector-csr": partial(_vector, "csr", "pem"),
    "vector-command": partial(_vector, "command", "token"),
    "vector-jwe-header": partial(_vector, "result", "header"),
    "vector-jwe": partial(_vector, "result", "jwe"),
    "vector-jws": partial(_vector, "result", "token"),
    "vector-chain": _chain,
    "vector-blob": _blob,
    "vector-attestation": _attestation,
}


def main() -> None:
    """Write page and schemas."""
    PAGE.write_text(render(PAGE.read_text("utf-8")), "utf-8")
    ASYNCAPI.write_text(asyncapi_file(), "utf-8")
    SCHEMAS.mkdir(exist_ok=True)
    files = schema_files()
    for old in SCHEMAS.glob("*.json"):
        if old.name not in files:
            old.unlink()
    for name, content in files.items():
        (SCHEMAS / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
