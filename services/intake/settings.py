"""What intake is told from outside."""

from __future__ import annotations

from shared.settings import KeyringSettings, ServiceSettings


class Settings(ServiceSettings):
    """The settings of intake (`MOTCUA_…`)."""

    keyring: KeyringSettings
