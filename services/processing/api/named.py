"""What has a code is told with its names in both languages."""

from __future__ import annotations

from services.processing.api.views import View
from shared.rulebook.agencies import Agencies, UnknownAgency


class Named(View):
    """Something with a code, as it is called in both languages."""

    code: str
    name_vi: str
    name_en: str


def agency_named(agencies: Agencies, code: str) -> Named:
    """Name an agency; one that the version does not know yet is called by its code."""
    try:
        agency = agencies.get(code)
    except UnknownAgency:
        return Named(code=code, name_vi=code, name_en=code)
    return Named(code=code, name_vi=agency.name_vi, name_en=agency.name_en)
