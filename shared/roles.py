"""Who may call: the roles of bearer tokens."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a caller is; closed list."""

    CITIZEN = "citizen"
    DESK = "desk"
    SPECIALIST = "specialist"
    LEADER = "leader"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    SERVICE = "service"


OFFICERS = frozenset({Role.DESK, Role.SPECIALIST, Role.LEADER, Role.AUDITOR})
"""Roles that exist only in an agency."""


OFFICER_NAME = r"^[A-Za-z0-9._:@-]{1,64}$"
"""The subject of an officer's token: an identifier, never a person's written name, for facts carry it."""
