"""The words of the rules: what can be denied, required, counted; shared by authors, phones and the server."""

from __future__ import annotations

from typing import Literal

ProtectedAction = Literal[
    "delete_message",
    "clear_conversation",
    "recall_hide",
    "delete_contact",
    "block_contact",
    "delete_call_log",
    "export_contacts",
    "share_contact_card",
    "screenshot",
]
CounterKey = Literal["customer", "case", "contact_point", "channel", "relation", "employee", "team"]
Counted = Literal["attempt", "unanswered_dial", "connected", "effective_talk", "message"]
Relation = Literal["customer", "guarantor", "emergency", "third_party"]
Required = Literal["encryption", "passcode", "agent_admin", "permissions"]
Forbidden = Literal["root", "developer_mode"]
Restriction = Literal[
    "no_factory_reset",
    "no_safe_boot",
    "no_debugging_features",
    "no_usb_file_transfer",
    "no_add_user",
    "no_remove_user",
    "no_config_date_time",
    "no_config_vpn",
    "no_config_tethering",
    "no_config_credentials",
    "no_install_apps",
    "no_install_unknown_sources",
    "no_uninstall_apps",
    "no_modify_accounts",
    "no_outgoing_beam",
    "no_bluetooth_sharing",
    "no_physical_media",
    "no_network_reset",
]
ArchivedChannel = Literal["call", "sms", "wechat", "qq", "wecom"]
MediaKind = Literal["voice", "image", "video", "file"]
HiddenChannel = Literal["phone", "wechat", "qq"]
FindingCode = Literal[
    "encryption",
    "passcode",
    "agent_admin",
    "permissions",
    "root",
    "developer_mode",
    "os_version",
    "patch_age",
    "offline",
    "clock",
    "sim_changed",
    "unsupported",
    "policy_stale",
    "integrity",
    "silent",
    "certificate",
    "holder",
    "notice",
    "cloned",
    "flood",
]
Step = Literal["notify_holder", "alert", "lock"]
Severity = Literal["info", "warning", "critical"]
NormaliseStep = Literal["width", "case", "traditional", "digits", "homoglyphs", "symbols", "repeats", "pinyin"]
"""In the order in which they are done (docs/normalise.md)."""
