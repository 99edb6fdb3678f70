"""What every page stands in: menu, language, theme, who is signed in, and alarms when a part of the server is away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, render_template, request, url_for

from console import assets, device_view, forms, language, times
from core import clock, roles
from core.actor import Actor
from core.http.access import Access
from core.http.identity import ANONYMOUS, EXTENSION, SESSION_COOKIE, Authenticators, current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from fleet.commands import freeze

THEME_COOKIE = "shouji_theme"
THEMES = ("auto", "light", "dark")
DIALOG = "dialog-body"
WORKER, BROKER = "worker", "broker"

ALARMS = {
    WORKER: Text(
        "后台进程未运行：心跳、策略与命令暂停处理，恢复后会自动补上。请检查 flask serve 的 worker 进程。",
        "The worker is away: heartbeats, policies and commands wait and are made up for once it is back. "
        "Check the worker process of flask serve.",
    ),
    BROKER: Text(
        "消息代理连接中断：手机暂时收不到策略和命令，恢复后会自动补发。请运行 flask broker check。",
        "The broker is away: phones get no policies and commands until it is back, then all of it. "
        "Run flask broker check.",
    ),
}

pages = Pages("frame", __name__, template_folder="templates")
pages.blueprint.add_url_rule("/static/<path:filename>", endpoint="static", view_func=assets.send)


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A page that the menu leads to; only those who hold the permission see it (None: everybody).

    `also` are the addresses of pages that belong to it beside those below its own.
    """

    endpoint: str
    text: Text
    icon: str
    demand: Permission | None
    also: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether the page of an address belongs to this item."""
        starts = (url_for(self.endpoint), *self.also)
        return any(path == start or path.startswith(f"{start}/") for start in starts)


POLICY_PAGES = ("/assignments", "/groups", "/calendars", "/calendar-import", "/apps", "/rollouts")
MENU = (
    MenuItem("page_home.start", Text("概览", "Overview"), "gauge", Permission.DEVICE_READ),
    MenuItem("page_devices.show_list", Text("设备", "Phones"), "phone", Permission.DEVICE_READ),
    MenuItem("page_enrollment.show_list", Text("设备注册", "Enrollment"), "qr", Permission.ENROLLMENT_READ),
    MenuItem("page_commands.show_list", Text("命令", "Commands"), "terminal", Permission.COMMAND_READ),
    MenuItem("page_approvals.show_list", Text("审批", "Approvals"), "check", Permission.COMMAND_READ),
    MenuItem("page_compliance.show", Text("合规", "Compliance"), "alarm", Permission.COMPLIANCE_READ),
    MenuItem("page_policies.show_list", Text("策略", "Policies"), "shield", Permission.DOCUMENT_READ, POLICY_PAGES),
    MenuItem("page_people.show_list", Text("人员", "People"), "people", Permission.STAFF_READ),
    MenuItem("page_org.show_tree", Text("组织架构", "Org tree"), "tree", Permission.ORG_READ),
    MenuItem("page_imports.show_list", Text("批量导入", "Imports"), "upload", Permission.STAFF_WRITE),
    MenuItem("page_notice.show", Text("告知书", "Notice"), "paper", Permission.NOTICE_READ),
    MenuItem("page_audit.show_list", Text("审计日志", "Audit log"), "history", Permission.AUDIT_READ),
    MenuItem("page_quarantine.show_list", Text("消息隔离区", "Quarantine"), "box", Permission.QUARANTINE_READ),
    MenuItem("page_channels.show_list", Text("通知通道", "Notifications"), "bell", Permission.NOTIFICATION_READ),
    MenuItem("page_freeze.show", Text("紧急冻结", "Freeze"), "snow", Permission.FREEZE_READ),
    MenuItem("page_system.show", Text("系统", "System"), "gear", Permission.SYSTEM_READ),
    MenuItem("page_docs.reference", Text("接口文档", "API reference"), "book", None),
)


@pages.get("/alarms", Access.SIGNED_IN)
def alarms() -> str:
    """The banner about the freeze and about parts of the server that are away; empty when all is well."""
    found = [ALARMS[part] for part in roles.away()]
    return render_template("_alarms.html", alarms=found, freeze=freeze.banner())


def viewer() -> Actor | None:
    """Who looks at the page, also where the route asks nobody. Needs a unit of work the first time on a public page."""
    actor = current_actor()
    if actor is not ANONYMOUS:
        return actor
    if "viewer" not in g:
        bound: Authenticators = current_app.extensions[EXTENSION]
        g.viewer = bound.staff(None, request.cookies.get(SESSION_COOKIE))
    found: Actor | None = g.viewer
    return found


def known_viewer() -> Actor | None:
    """Who looks at the page as far as it was found out already; asks no database."""
    actor = current_actor()
    return actor if actor is not ANONYMOUS else g.get("viewer")


def menu() -> list[MenuItem]:
    """The menu of the viewer."""
    actor = known_viewer()
    return [item for item in MENU if item.demand is None or (actor and actor.may(item.demand))]


def home_address() -> str | None:
    """The first page of the viewer's work, None when none is open to them."""
    actor = known_viewer()
    found = next((item for item in MENU if item.demand and actor and actor.may(item.demand)), None)
    return url_for(found.endpoint) if found else None


def theme() -> str:
    """`auto`, `light` or `dark`, as chosen."""
    chosen = request.cookies.get(THEME_COOKIE, THEMES[0])
    return chosen if chosen in THEMES else THEMES[0]


def wants_part() -> bool:
    """Whether htmx asks for the part of the page that changes; going back in history wants the whole page."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def in_dialog() -> bool:
    """Whether what is answered goes into the dialog."""
    return request.headers.get("HX-Target") == DIALOG


def here() -> str:
    """The address of this page, to come back to it."""
    return request.full_path.rstrip("?") if request.method == "GET" else request.path


def register(app: Flask) -> None:
    """Give the frame's words to all templates."""
    helpers: dict[str, Callable[..., Any]] = {
        "t": language.t,
        "say": language.say,
        "pairs": language.pairs,
        "asset": assets.address,
        "age": times.age,
        "local": times.local,
        "span": times.span,
        "zoned": times.zoned,
        "wire": times.wire,
        "short": device_view.short,
        "took": device_view.took,
        "command_label": device_view.command_label,
        "told": forms.told,
        "server_time": lambda: clock.to_wire(clock.now()),
    }
    app.jinja_env.globals.update(helpers)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def frame() -> dict[str, Any]:
        return {
            "lang": language.current(),
            "theme": theme(),
            "viewer": known_viewer(),
            "menu": menu(),
            "here": here(),
            "in_dialog": in_dialog(),
        }

    app.register_blueprint(pages.blueprint)
