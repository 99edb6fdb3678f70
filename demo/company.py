"""The sample company: org tree, people, policies. Made once; a second run finds it."""

from __future__ import annotations

from pathlib import Path

from demo.api import Api, ApiError

DOCUMENTS = Path(__file__).parent / "documents" / "company.yaml"
UNITS = ("/总部", "/总部/电销", "/总部/电销/一组", "/总部/电销/二组", "/总部/催收", "/总部/风控")
STAFF = (
    ("it", "周运维", ["it_admin"], "/"),
    ("policy", "吴策略", ["policy_author"], "/"),
    ("compliance", "郑合规", ["compliance_officer"], "/"),
    ("auditor", "冯审计", ["auditor"], "/"),
    ("leader1", "陈组长", ["supervisor"], "/总部/电销/一组"),
)
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩"
GIVEN = ("伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明")


def employee_names(count: int) -> list[str]:
    """Made-up names, the same each time."""
    return [f"{SURNAMES[n % len(SURNAMES)]}{GIVEN[n * 7 % len(GIVEN)]}" for n in range(count)]


def build(api: Api, password: str, employees: int) -> None:
    """Make units, people and documents that are not there yet, and publish the documents."""
    _units(api)
    people = api.all("staff")
    known = {person[name] for person in people for name in ("username", "employee_no")}
    for username, name, roles, unit in STAFF:
        if username not in known:
            api.post(
                "staff",
                {"username": username, "name": name, "password": password, "roles": roles, "org_unit": unit},
            )
    teams = ("/总部/电销/一组", "/总部/电销/二组", "/总部/催收")
    for number, name in enumerate(employee_names(employees)):
        employee_no = f"E{1001 + number}"
        if employee_no not in known:
            unit = teams[number % len(teams)]
            api.post("staff", {"name": name, "employee_no": employee_no, "roles": ["employee"], "org_unit": unit})
    if not any(item["name"] == "company-baseline" for item in api.all("documents")):
        api.post("documents/apply?publish=true", DOCUMENTS.read_text("utf-8"), "application/yaml")


def _units(api: Api) -> None:
    for path in UNITS:
        parent, _, name = path.rpartition("/")
        try:
            api.post("org-units", {"name": name, "parent": parent or "/"})
        except ApiError as error:
            if error.status != 409:
                raise
