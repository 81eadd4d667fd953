"""What metrics answers: the figures of an agency and a period, under the versions of the rules that made them."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus

from services.metrics import repository
from services.metrics.domain.report import Period, Report, ReportedAgency, assemble
from shared.clocks import LegalClock
from shared.database import Pool, autocommit, transaction
from shared.http.problems import FieldError, Problem
from shared.http.sentences import in_both
from shared.messaging.publications import JOURNALS, PublishedRoot, published_roots
from shared.messaging.rules import RuleStore
from shared.rulebook.agencies import UnknownAgency


class Reporting:
    """Answers for figures of any agency and period."""

    def __init__(self, pool: Pool, rules: RuleStore, clock: LegalClock) -> None:
        self._pool = pool
        self._rules = rules
        self._clock = clock

    async def district(self, code: str, first: date | None, last: date | None) -> Report:
        """Report on an agency and everything under its path, from 1 January to the legal today unless said otherwise.

        Raises Problem: `agency_unknown` (404), `period_reversed` (422).
        """
        now = self._clock.now()
        last = last or now.date()
        period = Period(first or date(last.year, 1, 1), last)
        if period.first > period.last:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "period_reversed",
                "The first day lies after the last.",
                [FieldError("/query/from", "period_reversed", in_both("A period begins no later than it ends."))],
            )
        agency = self._agency(code)
        as_of = period.as_of(now)
        async with transaction(self._pool) as tx:
            counted = await repository.count(tx, agency.path, period, as_of)
        return assemble(agency, period, as_of, counted, versions=self._versions())

    async def latest_roots(self) -> list[PublishedRoot]:
        """Read the roots that were published last; none where nothing was."""
        async with autocommit(self._pool) as database:
            found = [root for _, root in await published_roots(database, None, len(JOURNALS))]
        return [root for root in found if root.published_at == found[0].published_at]

    def _agency(self, code: str) -> ReportedAgency:
        try:
            agency = self._rules.current_agencies().get(code)
        except UnknownAgency as error:
            raise Problem(HTTPStatus.NOT_FOUND, "agency_unknown", "No agency has this code.") from error
        return ReportedAgency(code=agency.code, name_vi=agency.name_vi, name_en=agency.name_en, path=agency.path)

    def _versions(self) -> dict[str, str]:
        return {
            "catalogue": self._rules.catalogue_on(self._clock.now().date()).version,
            "calendar": self._rules.current_calendar().version,
            "agencies": self._rules.current_agencies().version,
        }
