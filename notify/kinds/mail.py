"""Mail by SMTP: to a list of addresses as a channel, or to one person by their own choice. Holds a text and a link."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from config.settings import Settings
from core.outbound import DEADLINE_SECONDS, deadline
from core.runtime import settings
from core.text import Text
from notify.addresses import clean_address
from notify.channel_kinds import BRAND, ChannelKind, DeliveryFailed, Fields, Message, register

NAME = "mail"
_FOOT = Text(
    "此邮件由守机自动发送，不含通信内容。请登录控制台查看详情。",
    "Sent by Shouji. It holds no message content; sign in to the console to see more.",
)


class MailFields(Fields):
    """Who gets the mails."""

    to: list[Annotated[str, AfterValidator(clean_address)]] = Field(min_length=1, max_length=20)

    def target(self) -> str:
        """The addresses."""
        shown = ", ".join(self.to)
        return shown if len(shown) <= 300 else f"{shown[:296]} …"


def _deliver(fields: MailFields, message: Message) -> None:
    current = settings()
    if not current.smtp_host or not current.smtp_from:
        raise DeliveryFailed("mail_not_set_up", final=True)
    try:
        _send(current, fields.to, _letter(current.smtp_from, fields.to, message))
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise DeliveryFailed(f"smtp_{max(codes)}", final=min(codes) >= 500) from error
    except smtplib.SMTPResponseException as error:
        raise DeliveryFailed(f"smtp_{error.smtp_code}") from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryFailed("smtp_no_starttls") from error
    except ssl.SSLError as error:
        raise DeliveryFailed("tls") from error
    except TimeoutError as error:
        raise DeliveryFailed("timeout") from error
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryFailed("no_connection") from error


def _letter(sender: str, to: list[str], message: Message) -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = sender, ", ".join(to), message.headline()
    letter["Date"] = format_datetime(message.at)
    letter["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2] or 'shouji'}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Mailer"] = BRAND.en
    letter.set_content(f"{message.said()}\n\n{message.url}\n\n-- \n{_FOOT.pick(message.language)}\n")
    return letter


def _send(current: Settings, to: list[str], letter: EmailMessage) -> None:
    context = ssl.create_default_context(cafile=str(current.smtp_ca_file) if current.smtp_ca_file else None)
    with _connected(current, context) as server, deadline(2 * DEADLINE_SECONDS, lambda: server.sock) as late:
        try:
            if current.smtp_security == "starttls":
                server.starttls(context=context)
            if current.smtp_username and current.smtp_password:
                server.login(current.smtp_username, current.smtp_password.get_secret_value())
            server.send_message(letter, to_addrs=to)
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            if late.is_set():
                raise TimeoutError from error
            raise


def _connected(current: Settings, context: ssl.SSLContext) -> smtplib.SMTP:
    host, port = current.smtp_host or "", current.smtp_port
    if current.smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=DEADLINE_SECONDS, context=context)
    return smtplib.SMTP(host, port, timeout=DEADLINE_SECONDS)


KIND = register(ChannelKind(NAME, Text("邮件", "Mail"), MailFields, _deliver))
