"""Facts of telling the applicant: how to reach him, and what became of each message."""

from __future__ import annotations

from typing import ClassVar

from shared.contracts.terms import Channel, Fact, Language


class ContactStated(Fact):
    """How to reach the applicant: `sealed` is base64 of ciphertext under the dossier's data key."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.contact_stated.v1"

    language: Language
    channels: tuple[Channel, ...]
    sealed: str


class NoticeFact(Fact):
    """What became of one message; `about` is the id of the fact that it tells."""

    message_id: str
    about: str
    template: str
    channel: Channel


class NoticeHandedOver(NoticeFact):
    """The gateway or mail server took the message."""

    TYPE: ClassVar[str] = "vn.motcua.notice.handed_over.v1"


class NoticeDelivered(NoticeFact):
    """A receipt says that the message arrived."""

    TYPE: ClassVar[str] = "vn.motcua.notice.delivered.v1"


class NoticeFailed(NoticeFact):
    """The message will not arrive; `reason` is one of a closed list."""

    TYPE: ClassVar[str] = "vn.motcua.notice.failed.v1"

    reason: str


class NoticeUnknown(NoticeFact):
    """The gateway's answer was lost: the message may or may not have gone out."""

    TYPE: ClassVar[str] = "vn.motcua.notice.unknown.v1"
