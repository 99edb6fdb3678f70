"""What every room needs from the running installation: settings, key ring, envelope, CA. Built once by app.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from flask import Flask, current_app

from config.settings import Settings
from core.crypto.envelope import Envelope
from core.crypto.keyring import KeyRing
from core.crypto.x509 import CertificateAuthority

EXTENSION = "shouji"


@dataclass(frozen=True)
class Runtime:
    """The installation as one process sees it; parts open their keys on first use."""

    settings: Settings

    @cached_property
    def ring(self) -> KeyRing:
        """The key ring."""
        return KeyRing.open(self.settings.keys_dir)

    @cached_property
    def envelope(self) -> Envelope:
        """Sealing and blind indexes."""
        return Envelope(self.ring)

    @cached_property
    def ca(self) -> CertificateAuthority:
        """The fleet CA."""
        return CertificateAuthority(self.ring, f"{self.settings.base_url}/pki/crl.der")


def bind(app: Flask, settings: Settings) -> Runtime:
    """Attach the runtime to an application."""
    runtime = Runtime(settings)
    app.extensions[EXTENSION] = runtime
    return runtime


def runtime() -> Runtime:
    """The runtime of the current application; needs an app context."""
    found: Runtime = current_app.extensions[EXTENSION]
    return found


def settings() -> Settings:
    """The settings in force."""
    return runtime().settings
