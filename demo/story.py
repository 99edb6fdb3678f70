"""What happens in the demo: commands that phones answer, a lost phone, a wipe that waits for its second person."""

from __future__ import annotations

from typing import Any

from demo.api import Api, wait_until

APPLY_SECONDS = 120.0
UNCONFIRMED = 3


def applied(device: dict[str, Any]) -> bool:
    """Whether a phone reported its desired policy as applied."""
    policy = device["policy"]
    wanted, told = policy["desired"], policy["reported"]
    return wanted["bundle"] is not None and wanted["bundle"] == told["bundle"] and told["outcome"] == "applied"


def wait_for_phones(api: Api, count: int) -> list[dict[str, Any]]:
    """Wait until that many phones are enrolled, online, and have applied their policy."""
    found: list[dict[str, Any]] = []

    def settled() -> bool:
        found[:] = [device for device in api.all("devices?state=active") if applied(device)]
        return len(found) >= count

    wait_until(settled, APPLY_SECONDS, f"{count} phones with their policy applied")
    return found


def confirm_holders(api: Api, devices: list[dict[str, Any]], employees: int) -> None:
    """Hand the phones to people, all but a few: an unconfirmed holder is something to see.

    There may be more phones than employees: whoever tries the demo enrolls some of their own.
    """
    ordered = sorted(devices, key=lambda device: str(device["serial"]))
    for number, device in enumerate(ordered[UNCONFIRMED : UNCONFIRMED + employees]):
        if not device["holder"]["confirmed"]:
            api.post(f"devices/{device['id']}/confirm", {"person": f"E{1001 + number}"})


def tell(api: Api, devices: list[dict[str, Any]]) -> None:
    """Send a handful of commands, one of them a wipe that nobody has approved yet."""
    online = [device for device in devices if device["presence"]["online"]]
    if len(online) < 6 or api.get(f"devices/{online[0]['id']}/commands?limit=1")["items"]:
        return
    first, second, third, fourth, fifth = (device["id"] for device in online[:5])
    api.post(f"devices/{first}/commands", {"type": "ping", "args": {}})
    api.post(
        f"devices/{second}/commands", {"type": "message", "args": {"title": "通知", "text": "今日 18:00 系统维护"}}
    )
    api.post(f"devices/{third}/commands", {"type": "lock", "args": {"message": "请联系 IT"}, "reason": "员工临时离岗"})
    api.post(f"devices/{fourth}/commands", {"type": "ring", "args": {"seconds": 10}})
    wipe = {"scope": "work_data", "preserve_records": True, "deadline_s": 600}
    api.post(f"devices/{fifth}/commands", {"type": "wipe", "args": wipe, "reason": "员工离职，回收工作机"})
