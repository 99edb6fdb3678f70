from __future__ import annotations

import base64
import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from config.loading import SettingsError, load
from config.settings import Settings
from core import clock
from core.uow import unit_of_work
from identity import people
from identity.people import PersonChanges
from tests.conftest import Tune
from tests.identity import world
from tests.notify.conftest import LOUD, QUIET, TEXT, Office, deliver, open_rows, tell
from tests.notify.servers import Mailbox, silent_server, smtp_server

PREFERENCES = "/api/v1/notification-preferences"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate of 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(clock.now() - timedelta(days=1)).not_valid_after(clock.now() + timedelta(days=9))
    built = built.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    made = built.sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def plain(tune: Tune, box: Mailbox, **more: Any) -> None:
    settings = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_from": "shouji@corp.example"}
    tune(outbound_networks="127.0.0.0/8", **{**settings, "smtp_security": "none", **more})


def reader(name: str = "li", email: str | None = "li@corp.example") -> str:
    return world.person(name, "it_admin", email=email)


def test_people_with_an_address_get_what_matters_by_mail_with_a_link(office: Office, tune: Tune) -> None:
    with smtp_server() as box:
        plain(tune, box)
        li, wang = reader(), reader("wang", None)
        tell(li, wang)
        tell(li, kind=QUIET)
        assert deliver() == [None]
    ((sender, to, letter),) = box.letters
    assert sender == "shouji@corp.example" and to == ["li@corp.example"]
    assert letter["Subject"] == f"【守机】{TEXT.zh}" and letter["Auto-Submitted"] == "auto-generated"
    assert "/go/device/d-1" in letter.get_content() and open_rows() == 0


def test_everybody_chooses_topics_and_language(office: Office, tune: Tune) -> None:
    with smtp_server() as box:
        plain(tune, box)
        li = reader()
        mine = world.headers("li")
        shown = office.client.get(PREFERENCES, headers=mine).json
        assert shown == {
            "language": "zh-CN", "mail": True, "topics": None, "address": "li@corp.example", "mail_possible": True,
        }  # fmt: skip
        chosen = office.client.patch(PREFERENCES, json={"language": "en", "topics": [QUIET]}, headers=mine).json
        assert (chosen["language"], chosen["topics"]) == ("en", [QUIET])
        tell(li)
        tell(li, kind=QUIET)
        deliver()
        assert [letter["Subject"] for _, _, letter in box.letters] == [f"【Shouji】{TEXT.en}"]
        office.client.patch(PREFERENCES, json={"topics": None}, headers=mine)
        tell(li)
        deliver()
        office.client.patch(PREFERENCES, json={"mail": False}, headers=mine)
        tell(li)
        assert deliver() == [] and len(box.letters) == 2
    wrong = office.client.patch(PREFERENCES, json={"topics": ["nothing"]}, headers=mine)
    assert wrong.status_code == 422 and wrong.json["code"] == "unknown_topic"


def test_a_mail_goes_to_the_address_that_the_person_has_when_it_is_sent(office: Office, tune: Tune) -> None:
    with smtp_server() as box:
        plain(tune, box)
        li, wang = reader(), reader("wang", "wang@corp.example")
        tell(li, wang)
        with unit_of_work():
            people.change(world.SYSTEM, li, PersonChanges(frozenset({"email"}), email="new@corp.example"))
            people.deactivate(world.SYSTEM, wang)
        assert deliver() == [None, None]
    assert [to for _, to, _ in box.letters] == [["new@corp.example"]]


def test_starttls_with_a_password_and_the_servers_certificate_checked(
    office: Office, tune: Tune, certificate: Path
) -> None:
    with smtp_server(certificate) as box:
        secret = {"smtp_username": "shouji", "smtp_password": SecretStr("geheim")}
        plain(tune, box, smtp_security="starttls", smtp_ca_file=certificate, **secret)
        office.made("mail", {"to": ["ops@corp.example", "duty@corp.example"]}, language="en")
        tell()
        assert deliver() == [None]
        assert box.encrypted == [True] and base64.b64decode(box.logins[0]) == b"\0shouji\0geheim"
        assert box.letters[0][1] == ["ops@corp.example", "duty@corp.example"]
        assert box.letters[0][2]["Subject"] == "【Shouji】A phone needs you"
        plain(tune, box, smtp_security="starttls", smtp_ca_file=None, **secret)
        tell()
        assert deliver()[0] is not None and len(box.letters) == len(box.logins) == 1
    assert office.get().json["items"][0]["last_error"] == "tls"


def test_tls_from_the_first_byte(office: Office, tune: Tune, certificate: Path) -> None:
    with smtp_server(certificate, tls_first=True) as box:
        plain(tune, box, smtp_security="tls", smtp_ca_file=certificate)
        office.made("mail", {"to": ["ops@corp.example"]})
        tell()
        assert deliver() == [None] and box.encrypted == [True]


def test_a_server_without_starttls_gets_no_mail(office: Office, tune: Tune) -> None:
    with smtp_server() as box:
        plain(tune, box, smtp_security="starttls")
        made = office.made("mail", {"to": ["ops@corp.example"]})
        tell()
        assert deliver()[0] is not None and box.letters == []
    assert office.log(made["id"])[0]["last_error"] == "smtp_no_starttls"


@pytest.mark.parametrize(("code", "state"), [(450, "waiting"), (550, "dead")])
def test_a_refused_recipient_is_tried_again_only_when_the_refusal_may_pass(
    office: Office, tune: Tune, code: int, state: str
) -> None:
    with smtp_server() as box:
        box.refuse = code
        plain(tune, box)
        made = office.made("mail", {"to": ["ops@corp.example"]})
        tell()
        deliver()
        entry = office.log(made["id"])[0]
        assert (entry["state"], entry["last_error"]) == (state, f"smtp_{code}")
        box.refuse = None
        with time_machine.travel(clock.now() + timedelta(seconds=6)):
            deliver()
    assert len(box.letters) == (1 if state == "waiting" else 0)


def test_a_mail_server_that_is_away_loses_nothing(office: Office, tune: Tune) -> None:
    with silent_server() as port:
        pass
    li = reader()
    plain(tune, Mailbox(port))
    tell(li)
    assert deliver()[0] is not None and open_rows() == 1
    with smtp_server() as box:
        plain(tune, box)
        with time_machine.travel(clock.now() + timedelta(seconds=6)):
            assert deliver() == [None]
    assert len(box.letters) == 1


def test_without_a_mail_server_nothing_waits_for_one(office: Office) -> None:
    li = reader()
    tell(li)
    assert open_rows() == 0
    assert office.client.get(PREFERENCES, headers=world.headers("li")).json["mail_possible"] is False


def test_an_address_is_checked_where_it_is_typed_in(office: Office) -> None:
    body = {"name": "赵六", "email": "x@y\r\nBcc: z@y"}
    answer = office.client.post("/api/v1/staff", json=body, headers=office.who["admin"])
    assert answer.status_code == 422 and answer.json["code"] == "bad_email"
    made = office.client.post(
        "/api/v1/staff", json=body | {"email": " zhao@corp.example "}, headers=office.who["admin"]
    )
    assert made.json["email"] == "zhao@corp.example"
    path = f"/api/v1/staff/{made.json['id']}"
    assert office.client.patch(path, json={"email": None}, headers=office.who["admin"]).json["email"] is None


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"SHOUJI_SMTP_HOST": "mail"}, "SHOUJI_SMTP_FROM"),
        ({"SHOUJI_SMTP_SECURITY": "none", "SHOUJI_SMTP_PASSWORD": "x"}, "SHOUJI_SMTP_PASSWORD"),
        ({"SHOUJI_OUTBOUND_NETWORKS": "10.0.0.0/8, corp"}, "corp"),
    ],
)
def test_mail_settings_that_do_not_fit_are_named(settings: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load(settings)
    assert Settings().smtp_host is None and LOUD
