"""What notification is told from outside."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from shared.settings import ENV_PREFIX, KeyringSettings, Piece, Port, Seconds, SecretFile, ServiceSettings

NAMES = TypeAdapter(dict[str, str])


def _holds_names(path: Path) -> Path:
    NAMES.validate_json(path.read_bytes())
    return path


class SmsSettings(Piece):
    """The SMS gateway. A call without an answer within the timeout has an unknown outcome."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+/?$")]
    token_file: SecretFile
    timeout_seconds: Seconds = 5.0


class ReceiptsSettings(Piece):
    """The token that the gateway shows when it posts receipts."""

    token_file: SecretFile


class MailSettings(Piece):
    """The mail server and the address that we write from."""

    host: str
    port: Port = 25
    sender: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    timeout_seconds: Seconds = 5.0


class ZaloSettings(Piece):
    """Zalo's notification service. Without a URL whoever wants to be told by Zalo gets an SMS.

    The file of the access token is read at each call. `templates_file`: a JSON object, our name of a text
    (`accepted.vi`) → the id under which Zalo has approved it.
    """

    url: Annotated[str, Field(pattern=r"^(https?://[^\s/]+/?)?$")] = ""
    token_file: SecretFile | None = None
    templates_file: Annotated[Path, AfterValidator(_holds_names)] | None = None
    timeout_seconds: Seconds = 5.0

    @model_validator(mode="after")
    def _an_account_is_whole(self) -> Self:
        if bool(self.url) != (self.token_file is not None):
            raise ValueError("url and token_file go together")
        return self

    @property
    def templates(self) -> dict[str, str]:
        """Read which text was approved under which id."""
        return {} if self.templates_file is None else NAMES.validate_json(self.templates_file.read_bytes())


class NoticesSettings(Piece):
    """What texts show, and how long a sender may keep a message to itself.

    `lease_seconds` must be at least twice as long as a call may last, which is twice the longest timeout.
    """

    tracking_page: Annotated[str, Field(max_length=60)] = "motcua.example/tra-cuu"
    lease_seconds: Seconds = 30.0

    @property
    def lease(self) -> timedelta:
        """The lease as a span."""
        return timedelta(seconds=self.lease_seconds)


class Settings(ServiceSettings):
    """The settings of notification (`MOTCUA_…`)."""

    keyring: KeyringSettings
    sms: SmsSettings
    receipts: ReceiptsSettings
    mail: MailSettings
    zalo: ZaloSettings = ZaloSettings()
    notices: NoticesSettings = NoticesSettings()

    @property
    def call(self) -> timedelta:
        """How long a call may last at most: the timeout for reaching the other side, and again for its answer."""
        called = (self.sms, self.mail, *((self.zalo,) if self.zalo.url else ()))
        return timedelta(seconds=2 * max(each.timeout_seconds for each in called))

    @model_validator(mode="after")
    def _leases_outlast_calls(self) -> Self:
        if self.notices.lease < 2 * self.call:
            raise ValueError(f"{ENV_PREFIX}NOTICES__LEASE_SECONDS: must be at least four times the longest timeout")
        return self
