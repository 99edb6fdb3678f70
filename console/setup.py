"""The console's part of the composition: pages, frame, form checks, headers and the live hub. Starts nothing."""

from __future__ import annotations

from flask import Flask

from console import (
    account,
    approvals,
    apps,
    assignments,
    audit,
    bulk,
    calendar_import,
    calendars,
    channels,
    commands,
    compliance_exceptions,
    compliance_page,
    device_actions,
    device_export,
    device_page,
    devices,
    docs,
    enrollment,
    errors,
    expected,
    explain_act,
    first_admin,
    forms,
    frame,
    freeze,
    go,
    groups,
    headers,
    home,
    imports,
    in_force,
    inbox,
    keyword_box,
    live,
    mail_choice,
    notice,
    org_tree,
    people,
    person_forms,
    policies,
    policy_editor,
    policy_publish,
    preferences,
    quarantine,
    records,
    rollout_acts,
    rollouts,
    shadow,
    sign_in,
    stream,
    system,
    unconfirmed,
    unit_ends,
    views,
)
from core.runtime import EXTENSION, Runtime

PAGES = (
    preferences,
    sign_in,
    first_admin,
    home,
    go,
    channels,
    mail_choice,
    devices,
    device_page,
    in_force,
    explain_act,
    stream,
    docs,
    account,
    audit,
    enrollment,
    expected,
    imports,
    notice,
    org_tree,
    unit_ends,
    people,
    person_forms,
    policies,
    policy_editor,
    policy_publish,
    shadow,
    records,
    assignments,
    groups,
    apps,
    calendars,
    calendar_import,
    rollouts,
    rollout_acts,
    keyword_box,
    quarantine,
    system,
    unconfirmed,
    bulk,
    views,
    device_export,
    device_actions,
    commands,
    compliance_page,
    compliance_exceptions,
    approvals,
    freeze,
    inbox,
)


def register(app: Flask) -> None:
    """Add the console to an application."""
    bound: Runtime = app.extensions[EXTENSION]
    tls = bound.settings.base_url.startswith("https")
    headers.register(app, tls=tls)
    forms.register(app, tls=tls)
    errors.register(app)
    live.register(app, bound.settings.web_threads)
    frame.register(app)
    for module in PAGES:
        app.register_blueprint(module.pages.blueprint)
