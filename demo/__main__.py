"""`make demo`: start the server, build the sample company, bring 25 phones to life, and stay until Ctrl-C."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from config.loading import SettingsError, load
from config.settings import Settings
from core.process import die_with_parent, flask_command, start_child, stop_on_signals
from demo import company, rollouts, story
from demo.api import Api, wait_until

PHONES = 25
AWAY = 4  # phones that the behaviour may have taken off the network just then
SEED = 7
START_SECONDS = 90.0
STOP_SECONDS = 20.0
DEFAULT_DATA_DIR = "var/demo"
TOKEN_SECONDS = 7 * 86400


@dataclass
class Notes:
    """What a second run must know again: kept beside the data, readable by its owner alone."""

    password: str
    enrollment_code: str = ""

    @classmethod
    def open(cls, path: Path) -> Notes:
        """Read the notes, or begin them with a fresh password."""
        if path.exists():
            return cls(**json.loads(path.read_text("utf-8")))
        return cls(password=f"demo-{secrets.token_hex(6)}")

    def save(self, path: Path) -> None:
        """Write them, for the owner alone."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), "utf-8")


class Demo:
    """The running demo: two children, the server and the phones."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._children: list[subprocess.Popen[bytes]] = []
        self._stop = threading.Event()
        self._notes_path = settings.data_dir / "demo.json"
        self._notes = Notes.open(self._notes_path)

    def run(self) -> int:
        """Run until a signal or until a child ends; the exit status."""
        stop_on_signals(self._stop)
        try:
            self._start_server()
            api = self._sign_in()
            say("Building the sample company …")
            company.build(api, self._notes.password, PHONES)
            rollouts.build(api)
            self._start_phones(api)
            story.confirm_holders(api, story.wait_for_phones(api, PHONES - AWAY), PHONES)
            story.tell(api, story.wait_for_phones(api, PHONES - AWAY))
            rollouts.begin(api)
            rollouts.ask(self._sign_in("policy"))
            self._tell_how_to_sign_in()
            return self._stay()
        except InterruptedError:
            return 0
        except (TimeoutError, OSError) as error:
            say(f"The demo could not start: {error}")
            return 1
        finally:
            self._end_children()

    def _start_server(self) -> None:
        self._settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._notes.save(self._notes_path)
        os.environ["SHOUJI_ADMIN_PASSWORD"] = self._notes.password
        say(f"Starting the server in {self._settings.data_dir} …")
        self._spawn(flask_command("serve"))

    def _sign_in(self, username: str = "admin") -> Api:
        api = Api(self._settings.base_url)
        self._wait(api.ready, START_SECONDS, "the server's start")
        api.sign_in(username, self._notes.password)
        return api

    def _start_phones(self, api: Api) -> None:
        if not self._notes.enrollment_code:
            body = {"max_uses": PHONES, "expires_in": TOKEN_SECONDS}
            self._notes.enrollment_code = api.post("enrollment-tokens", body)["token"]
            self._notes.save(self._notes_path)
        say(f"Enrolling {PHONES} phones and connecting them …")
        phones = str(self._settings.data_dir / "phones")
        command = [sys.executable, "-m", "agent", "fleet", "--server", self._settings.base_url]
        command += ["--code", self._notes.enrollment_code, "--count", str(PHONES), "--seed", str(SEED)]
        self._spawn([*command, "--state", phones, "--with-parent", "--quiet", "--behaviour", "demo"])

    def _tell_how_to_sign_in(self) -> None:
        say(
            "\n  守机演示已就绪 · the demo is ready\n"
            f"\n    {self._settings.base_url}\n"
            f"\n    管理员 administrator:        admin       {self._notes.password}"
            f"\n    第二人 second person:        compliance  {self._notes.password}"
            "\n\n  One wipe waits for its second person, and so does a laxer policy that its author (policy, the"
            "\n  same password) wants to publish. One rollout is under way, and one stops at its second ring,"
            "\n  whose old phones reject it. Ctrl-C stops everything; `make demo` goes on where it was.\n"
        )

    def _stay(self) -> int:
        while not self._stop.wait(0.5):
            for child in self._children:
                if child.poll() is not None:
                    say(f"A part of the demo ended with status {child.returncode}.")
                    return 1
        return 0

    def _wait(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        def checked() -> bool:
            if self._stop.is_set():
                raise InterruptedError
            if any(child.poll() is not None for child in self._children):
                raise OSError("the server ended; its last lines stand above")
            return done()

        wait_until(checked, seconds, what)

    def _spawn(self, command: list[str]) -> None:
        self._children.append(start_child(command))

    def _end_children(self) -> None:
        say("Stopping …")
        for child in reversed(self._children):
            child.terminate()
        for child in self._children:
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


def main() -> int:
    """Run the demo; the exit status."""
    die_with_parent()
    os.environ.setdefault("SHOUJI_DATA_DIR", DEFAULT_DATA_DIR)
    os.environ.setdefault("SHOUJI_LOG_LEVEL", "WARNING")
    try:
        settings = load()
    except SettingsError as error:
        say(str(error))
        return 2
    return Demo(settings).run()


if __name__ == "__main__":
    sys.exit(main())
