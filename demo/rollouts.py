"""Two rollouts of three rings, one under way and one that stops at its second ring, and a laxer version that waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from demo.api import Api

DOCUMENTS = Path(__file__).parent / "documents" / "rollouts.yaml"
EVERYONE = {"name": "everyone", "everyone": True, "approval": True}
UNDER_WAY: list[dict[str, Any]] = [
    {"name": "newest", "query": "os_version >= 15", "success": {"percent": 60, "within": "1h"}, "soak": "30s"},
    {"name": "half", "percentage": 50, "success": {"percent": 60, "within": "7d"}, "soak": "1d"},
    EVERYONE,
]
STOPS: list[dict[str, Any]] = [
    {"name": "newest", "query": "os_version >= 15", "success": {"percent": 60, "within": "1h"}, "soak": "15s"},
    {
        "name": "oldest",
        "query": "os_version < 13",
        "success": {"percent": 90, "within": "1h"},
        "stop": {"rejected": 20, "failed": 20, "silent": 60, "sample": 1},
    },
    EVERYONE,
]


def build(api: Api) -> None:
    """Put the first versions of what is rolled out later in force, unless they are."""
    if not any(item["name"] == "closer-watch" for item in api.all("documents")):
        api.post("documents/apply?publish=true", DOCUMENTS.read_text("utf-8"), "application/yaml")


def begin(api: Api) -> None:
    """Draft the second versions and send them on their way ring by ring, once."""
    _roll_out(api, "field-position", {"location": {"mode": "hours", "every_minutes": 60}}, UNDER_WAY, "外勤定位降频")
    _roll_out(api, "closer-watch", {"device": {"heartbeat_seconds": 30}}, STOPS, "心跳加密")


def ask(author: Api) -> None:
    """Let the policy author ask, once, for a laxer baseline: it waits for somebody else who may publish."""
    shown = author.get("documents/Policy/company-baseline")
    if shown["version"] != 1 or shown["draft"]:
        return
    draft = shown["document"]
    draft["spec"]["protection"]["deny"].remove("export_contacts")
    author.post("documents/apply", draft)
    author.post("documents/Policy/company-baseline/publish", {"reason": "客户名单交接需要导出联系人"})


def _roll_out(api: Api, name: str, spec: dict[str, Any], rings: list[dict[str, Any]], reason: str) -> None:
    shown = api.get(f"documents/Policy/{name}")
    if shown["version"] != 1 or shown["draft"]:
        return
    metadata = {"name": name, "title": shown["title"]}
    draft = {"apiVersion": "shouji/v1", "kind": "Policy", "metadata": metadata, "spec": spec}
    api.post("documents/apply", draft)
    api.post(f"documents/Policy/{name}/publish", {"rings": rings, "reason": reason})
