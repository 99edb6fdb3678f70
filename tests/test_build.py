"""What a fresh clone is set up from: locks without addresses, one command where a person must help."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements", "requirements-dev")


def name_of(requirement: str) -> str:
    return re.split(r"[\s\[=~<>;]", requirement, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


def pinned(lock: str) -> dict[str, str]:
    """Name to the whole entry (with its hashes) of a lock file."""
    text = (ROOT / f"{lock}.txt").read_text().replace("\\\n", " ")
    return {name_of(line): line for line in text.splitlines() if line and not line.startswith("#")}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_is_exact_and_hashed(lock: str) -> None:
    entries = pinned(lock)
    assert len(entries) > 30
    for entry in entries.values():
        assert re.match(r"[a-z0-9.-]+==\S+ ", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_an_address(lock: str) -> None:
    text = (ROOT / f"{lock}.txt").read_text()
    assert not re.search(r"://|--index-url|--extra-index-url|--find-links|^-f ", text, re.MULTILINE)


@pytest.mark.parametrize("folder", [".", "tests/interop/node"])
def test_the_locks_of_browser_assets_and_of_the_javascript_phone_name_no_address(folder: str) -> None:
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    assert len(packages) > 3
    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for name, package in packages.items() if name)
    assert (ROOT / folder / ".npmrc").read_text() == (ROOT / ".npmrc").read_text()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_wanted_requirement_is_locked(lock: str) -> None:
    lines = (ROOT / f"{lock}.in").read_text().splitlines()
    wanted = {name_of(line) for line in lines if line and not line.startswith(("#", "-"))}
    assert wanted <= set(pinned(lock))


def test_the_test_lock_holds_the_runtime_lock() -> None:
    runtime, tests = pinned("requirements"), pinned("requirements-dev")
    assert {name: entry.split()[0] for name, entry in runtime.items()} == {
        name: tests[name].split()[0] for name in runtime
    }


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs that stand before the real ones: a machine of a plain user."""
    program(tmp_path, "id", "echo 1000")
    program(tmp_path, "sudo", "exit 1")
    return tmp_path


def program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def system_packages(machine: Path, python: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{machine}:{os.environ['PATH']}", "PYTHON": python}
    script = ROOT / "scripts" / "system_packages.sh"
    return subprocess.run([script, "run"], env=environment, capture_output=True, text=True, timeout=60)


def test_without_rights_the_one_command_is_printed_and_make_stops(machine: Path) -> None:
    result = system_packages(machine, "no-such-python")
    assert result.returncode == 1
    commands = [line.strip() for line in result.stderr.splitlines() if line.startswith("    ")]
    assert len(commands) == 1
    assert commands[0].startswith("sudo apt-get update && sudo apt-get install")
    assert "python3-venv" in commands[0]


def test_with_sudo_what_is_missing_is_installed_after_an_update(machine: Path) -> None:
    said = machine / "said"
    program(machine, "sudo", f'echo "$@" >> {said}')
    assert system_packages(machine, "no-such-python").returncode == 0
    update, install = [line for line in said.read_text().splitlines() if "apt-get" in line]
    assert "apt-get update" in update
    assert "apt-get install" in install
    assert "python3-venv" in install


def test_a_python_that_is_too_old_is_named(machine: Path) -> None:
    program(machine, "python-old", 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    result = system_packages(machine, "python-old")
    assert result.returncode == 1
    assert "Python 3.9.2" in result.stderr
    assert "3.11" in result.stderr


def test_help_names_every_task() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for task in ("setup", "demo", "run", "test", "pages", "lint", "bench", "soak", "clean"):
        assert f"make {task} " in listed
