"""The server held against a ledger: every record of every phone, and every finding that a deed must lead to."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from agent import crypto
from agent.fleet.ledger import read
from agent.http import Server

PAGE = 200
FINDING, OPENED = "finding", ".opened"


class Checker:
    """Reads the server's API as a person who may see devices. Every method raises RequestFailed."""

    def __init__(self, server: str, http_ca: str | None = None) -> None:
        self._api = f"{server.rstrip('/')}/api/v1"
        self._http = Server(crypto.http_context(http_ca))
        self._headers: dict[str, str] = {"Accept": "application/json"}
        self.phones = self.records = self.findings = 0

    def sign_in(self, username: str, password: str) -> None:
        """Get an access token."""
        body = json.dumps({"username": username, "password": password}).encode()
        headers = {**self._headers, "Content-Type": "application/json"}
        answer = self._http.request("POST", f"{self._api}/auth/token", headers=headers, body=body).expect(200, 201)
        self._headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def check(self, ledger: Path) -> list[str]:
        """What is missing or different on the server, a line each; nothing when all is there."""
        lines = list(read(ledger))
        due: dict[str, set[str]] = defaultdict(set)
        for line in lines:
            if line.get("finding"):
                due[line["device"]].add(line["finding"])
        missing: list[str] = []
        for line in lines:
            if line["did"] == "end":
                missing += self._phone(line, due[line["device"]])
        return missing

    def _phone(self, line: dict[str, Any], due: set[str]) -> list[str]:
        device = line["device"]
        self.phones += 1
        self.records += line["records"]
        self.findings += len(due)
        chain = self._get(f"devices/{device}/chain")
        found = []
        if (chain["through"], chain["head"]) != (line["records"], line["head"]):
            found.append(f"{device}: records up to {chain['through']} of {line['records']}, or another chain")
        seen = self._codes(device) if due else set()
        return found + [f"{device}: finding {code}" for code in sorted(due - seen)]

    def _codes(self, device: str) -> set[str]:
        """Codes of findings that are open, or in the timeline: a deed may be over, and its finding with it."""
        state = self._get(f"devices/{device}")
        found = {str(one["code"]) for one in state["compliance"]["findings"]}
        cursor = ""
        while True:
            page = self._get(f"devices/{device}/timeline?limit={PAGE}{cursor}")
            lines = (line["code"] for line in page["items"] if line["kind"] == FINDING)
            found |= {code.removesuffix(OPENED) for code in lines if code.endswith(OPENED)}
            if not page["next_cursor"]:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def _get(self, path: str) -> dict[str, Any]:
        return self._http.request("GET", f"{self._api}/{path}", headers=self._headers).expect(200).json()
