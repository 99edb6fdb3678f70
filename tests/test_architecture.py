"""What a program can check of the house rules: directions, single doors, sizes, thin edges, demands on routes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = (
    "config",
    "core",
    "notify",
    "identity",
    "fleet",
    "policies",
    "archive",
    "compliance",
    "imports",
    "console",
    "operations",
    "doctor",
    "serve",
    "app",
)
BESIDE = {"mqtt.contract": set[str](), "mqtt": {"mqtt.contract", "core", "config"}, "policies.engine": set[str]()}
AGENT_MAY = ("agent", "mqtt.contract", "policies.engine")
ROOMS = {*ORDER, "mqtt", "agent", "demo", "bench", "migrations", "scripts"}
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


@cache
def sources() -> tuple[Path, ...]:
    listed = [path for path in ROOT.rglob("*.py") if not _ignored(path.relative_to(ROOT))]
    assert len(listed) > 100, "the tree was not found"
    return tuple(sorted(listed))


def _ignored(path: Path) -> bool:
    return path.parts[0] in {"tests", ".venv", "node_modules", "var", "build"} or path.parts[0].startswith(".")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def room_of(module: str) -> str:
    for special in ("mqtt.contract", "policies.engine"):
        if module == special or module.startswith(special + "."):
            return special
    return module.split(".")[0]


def may_import(importer: str, imported: str) -> bool:
    if importer == imported:
        return True
    if importer in BESIDE:
        return imported in BESIDE[importer]
    if importer == "agent":
        return imported in AGENT_MAY
    if imported == "agent":
        return importer in {"demo", "bench", "scripts"}
    if importer in {"demo", "bench", "migrations", "scripts"}:
        return True
    if imported in {"mqtt", "mqtt.contract"}:
        return importer not in {"config", "core", "notify"}
    if imported == "policies.engine":
        return importer in ORDER and ORDER.index(importer) >= ORDER.index("policies")
    return imported in ORDER and ORDER.index(imported) < ORDER.index(importer)


def test_imports_go_downward_only() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sources()
        for module, line in imports_of(path)
        if room_of(module) in ROOMS | set(BESIDE) and not may_import(room_of(name_of(path)), room_of(module))
    ]
    assert wrong == []


def test_no_room_imports_anothers_models() -> None:
    wrong = []
    for path in sources():
        own = name_of(path).split(".")[0]
        for module, line in imports_of(path):
            parts = module.split(".")
            if "models" in parts and parts[0] in ORDER and parts[0] != own and own not in {"bench", "demo"}:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert wrong == []


def test_no_import_stands_inside_a_function_outside_app() -> None:
    wrong = []
    for path in sources():
        if name_of(path) == "app":
            continue
        for function in ast.walk(tree_of(path)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                wrong += [
                    f"{path.relative_to(ROOT)}:{node.lineno}"
                    for node in ast.walk(function)
                    if isinstance(node, ast.Import | ast.ImportFrom)
                ]
    assert wrong == []


def test_modules_import_each_other_without_a_cycle() -> None:
    modules = {name_of(path): path for path in sources()}
    graph = {
        name: {target for target, _ in imports_of(path) if target in modules and target != name}
        for name, path in modules.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"cycle: {' > '.join([*trail[trail.index(name) :], name])}"
        if name in done:
            return
        for target in sorted(graph[name]):
            if not name.startswith(target + "."):
                visit(target, (*trail, name))
        done.add(name)

    for name in sorted(graph):
        visit(name, ())


DOORS = {
    "paho": ("mqtt.client", "mqtt.broker.probe_client", "agent.link"),
    "apscheduler": ("core.scheduler",),
    "urllib3": ("core.outbound",),
    "smtplib": ("notify.kinds.mail",),
    "jwt": ("core.crypto.",),
    "joserfc": ("core.crypto.", "agent.crypto"),
    "cryptography": ("core.crypto.", "agent.crypto"),
    "flask": (
        "core.http.",
        "core.",
        "console.",
        "app",
        "serve",
        "doctor",
        "mqtt.worker",
        "mqtt.ingest",
        "mqtt.relay",
        "notify.deliverer",
    ),
}
EDGE = re.compile(r"(^|[._])(api|cli)$")


@pytest.mark.parametrize("library", sorted(DOORS))
def test_each_library_has_its_doors(library: str) -> None:
    wrong = []
    for path in sources():
        name = name_of(path)
        if name.split(".")[0] in {"bench", "demo", "scripts"}:
            continue
        for module, line in imports_of(path):
            if module.split(".")[0] != library:
                continue
            allowed = any(name == door.rstrip(".") or name.startswith(door) for door in DOORS[library])
            if not allowed and not (library == "flask" and EDGE.search(name)):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert wrong == []


PATTERNS = {
    r"\.commit\(\)": ("core.uow", "agent."),
    r"datetime\.(now|utcnow)\(|time\.time\(|date\.today\(": ("core.clock", "agent.clock", "bench."),
    r"os\.environ|os\.getenv": ("config.loading", "demo", "bench", "agent.__main__"),
}


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_each_deed_has_its_door(pattern: str) -> None:
    found = re.compile(pattern)
    wrong = []
    for path in sources():
        name = name_of(path)
        if any(name == door.rstrip(".") or name.startswith(door.rstrip(".") + ".") for door in PATTERNS[pattern]):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if found.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert wrong == []


def test_edges_see_no_orm() -> None:
    wrong = []
    for path in sources():
        name = name_of(path)
        if not (EDGE.search(name) or name.endswith(".device") or name.startswith("console.")) or name == "core.cli":
            continue
        wrong += [
            f"{path.relative_to(ROOT)}:{line} imports {module}"
            for module, line in imports_of(path)
            if module.startswith("sqlalchemy") or module == "core.db.session" or module.split(".")[-1] == "models"
        ]
    assert wrong == []


def test_files_stay_small_those_of_tests_too() -> None:
    tests = [path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
    assert len(tests) > 100, "the tests were not found"
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in (*sources(), *tests)}
    wrong = [f"{path.relative_to(ROOT)}: {count} lines" for path, count in lines.items() if count > LONGEST_FILE]
    assert wrong == []


def test_functions_stay_small() -> None:
    wrong = []
    for path in sources():
        if name_of(path).startswith("migrations."):
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines")
    assert wrong == []


def test_public_functions_and_classes_say_what_they_are() -> None:
    wrong = []
    for path in sources():
        if name_of(path).split(".")[0] in {"migrations"}:
            continue
        module = tree_of(path)
        if not ast.get_docstring(module):
            wrong.append(f"{path.relative_to(ROOT)}: no module docstring")
        wrong += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            for node in module.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
        ]
    assert wrong == []


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError|for now\b", re.IGNORECASE)
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if words.search(line)
    ]
    assert wrong == []


def test_tests_mirror_rooms() -> None:
    for folder in (ROOT / "tests").iterdir():
        if folder.is_dir() and folder.name != "__pycache__":
            assert (folder / "__init__.py").exists(), f"{folder} shadows a room without __init__.py"
