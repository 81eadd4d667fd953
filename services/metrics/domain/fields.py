"""The fields (lĩnh vực) that figures are broken down by: a closed set, so that no label can grow with the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One field with its names; `code` is the catalogue's."""

    code: str
    name_vi: str
    name_en: str


OTHER = Field("other", "Lĩnh vực khác", "Other fields")
"""Where a field is counted that this list does not know yet: seen and counted, never lost."""

FIELDS: tuple[Field, ...] = (
    Field("land", "Đất đai", "Land"),
    Field("social_protection", "Bảo trợ xã hội", "Social protection"),
    Field("merit", "Người có công", "Persons of merit"),
    Field("business", "Hộ kinh doanh", "Household businesses"),
    Field("authentication", "Chứng thực", "Authentication"),
    Field("civil_status", "Hộ tịch", "Civil status"),
    Field("construction", "Hoạt động xây dựng", "Construction"),
    Field("residence", "Đăng ký, quản lý cư trú", "Residence"),
    Field("complaints", "Xử lý đơn", "Petitions and complaints"),
    Field("interlinked", "Liên thông", "Joint procedures"),
    OTHER,
)
"""In the order in which the board shows them."""

FIELD_OF_CODE: Mapping[str, Field] = {field.code: field for field in FIELDS}


def field_of(code: str) -> Field:
    """Give the field of a catalogue's code, `OTHER` for one that is not listed."""
    return FIELD_OF_CODE.get(code, OTHER)
