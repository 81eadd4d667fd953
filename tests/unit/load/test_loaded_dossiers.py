"""What is loaded is whole: lives of ten facts, rows that add up, chains that hold, people that only their key opens."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from functools import cache
from itertools import groupby

import pytest

from deploy.load.forecast import BESIDES, BYTES_EACH, Forecast
from deploy.load.lives import FACTS
from deploy.load.planning import NothingFits, Sheaf, sheaves
from deploy.load.rows import (
    CASES,
    COUNTED,
    CURSORS,
    DOSSIERS,
    DUTIES,
    HEADS,
    JOURNALS,
    KEYS,
    REACHED,
    Loaded,
    Recording,
    Row,
    Table,
    counts_of,
    rows_of,
)
from services.intake.domain.attempts import Rules
from services.intake.domain.filing import People
from services.processing.domain import opening
from services.processing.domain.duties import duties
from services.processing.domain.refolding import Heard, History, differences
from services.processing.domain.reissuing import Applied
from shared.clocks import OFFICE_ZONE
from shared.contracts.facts import ContactStated
from shared.messaging.chain import GENESIS, breaches
from shared.rulebook.figures import Figure
from shared.rulebook.identifiers import DossierCode
from shared.rulebook.loader import load_seed, parse_agencies, parse_calendar, parse_catalogue
from shared.sealing import Contact, KeyEncryptionKey, Purpose, associated_data, open_sealed

MONDAY = datetime(2020, 11, 30, 7, 0, tzinfo=OFFICE_ZONE)
AFTER_THE_DISTRICT = datetime(2026, 11, 30, 7, 0, tzinfo=OFFICE_ZONE)
KEK = KeyEncryptionKey(bytes(range(32)))
RECORDING = Recording(KEK, f"00-{'a' * 32}-{'b' * 16}-01", datetime(2026, 1, 2, tzinfo=UTC))
DOSSIERS_LOADED = 60


@cache
def rules() -> Rules:
    seed = load_seed()
    return Rules(
        parse_catalogue("catalogue-1-aaaaaaaaaaaa", seed.catalogue),
        parse_calendar("calendar-1-aaaaaaaaaaaa", seed.calendar),
        parse_agencies("agencies-1-aaaaaaaaaaaa", seed.agencies),
    )


@cache
def dealt(now: datetime = MONDAY) -> list[Sheaf]:
    return list(sheaves(lambda _day: rules(), now, DOSSIERS_LOADED))


@cache
def loaded() -> list[Loaded]:
    found: list[Loaded] = []
    for number, sheaf in enumerate(dealt(), 1):
        code = DossierCode(sheaf.life.matter.place.code, sheaf.life.acceptance.accepted_at.date(), number)
        result = f"{number}/2020/H56.97" if sheaf.life.case.result_number else None
        found.append(Loaded(code, sheaf.life, result, number))
    return found


@cache
def rows() -> dict[Table, list[Row]]:
    return dict(rows_of(loaded(), RECORDING))


def of(table: Table) -> list[dict[str, object]]:
    return [dict(zip(table.columns, row, strict=True)) for row in rows()[table]]


@pytest.mark.parametrize("now", [MONDAY, AFTER_THE_DISTRICT])
def test_each_has_ten_facts_and_one_of_ten_is_under_way_with_nothing_due(now: datetime) -> None:
    lives = [sheaf.life for sheaf in dealt(now)]
    assert sum(sheaf.dossiers for sheaf in dealt(now)) == DOSSIERS_LOADED
    assert {len(life.facts) + 1 for life in lives} == {FACTS}
    assert Counter(life.is_over for life in lives) == {True: 54, False: 6}
    assert all(life.facts[-1].legal_time < now for life in lives)
    assert all(timer.fires_at > now for life in lives for timer in life.timers)
    assert all(duties(life.case) for life in lives if not life.is_over)
    assert not any(life.timers for life in lives if life.is_over)


def test_a_large_load_shares_lives_and_deals_out_every_dossier() -> None:
    sizes = [sheaf.dossiers for sheaf in sheaves(lambda _day: rules(), MONDAY, 2345)]
    assert sum(sizes) == 2345
    assert max(sizes) == 3


def test_where_nothing_could_be_handed_in_nothing_is_loaded() -> None:
    first = datetime(2020, 1, 2, 7, 30, tzinfo=OFFICE_ZONE)
    with pytest.raises(NothingFits, match="before 2020-01-02"):
        next(sheaves(lambda _day: rules(), first, 10))


@pytest.mark.parametrize("number", range(0, DOSSIERS_LOADED, 3))
def test_a_loaded_case_is_what_its_facts_add_up_to(number: int) -> None:
    dossier = loaded()[number]
    life, code = dossier.life, str(dossier.code)
    told = tuple(Heard(each.fact, each.legal_time) for each in life.facts)
    history = History(code, life.accepted, life.acceptance.accepted_at, (), told)
    pinned = opening.Rules(rules().catalogue, rules().calendar, rules().agencies)
    assert differences(life.case, history, pinned, (Applied(rules().calendar, MONDAY),)) == ()


@pytest.mark.parametrize("service", JOURNALS)
def test_chains_hold_and_end_where_their_heads_say(service: str) -> None:
    ends = {}
    facts = of(JOURNALS[service])
    for chain, each in groupby(facts, lambda fact: (fact["topic"], fact["subject"])):
        last = (0, GENESIS)
        for fact in each:
            assert breaches(last, fact) == []
            last = (fact["seq"], fact["hash"])
        ends[chain] = last
    assert {(head["topic"], head["subject"]): (head["seq"], head["hash"]) for head in of(HEADS[service])} == ends
    assert len({fact["id"] for fact in facts}) == len(facts)


def test_whoever_reads_facts_has_applied_all_that_were_told_before() -> None:
    heads = {(service, head["subject"], head["topic"]): head["seq"] for service in HEADS for head in of(HEADS[service])}
    heard = defaultdict(set)
    for reader, table in CURSORS.items():
        for cursor in of(table):
            assert cursor["seq"] == heads[str(cursor["source"]), cursor["subject"], cursor["topic"]]
            heard[reader].add((cursor["source"], cursor["topic"]))
    lifecycle, contacts = "dossier.lifecycle.v1", "dossier.contacts.v1"
    assert heard == {
        "intake": {("processing", lifecycle)},
        "processing": {("intake", lifecycle)},
        "notification": {("intake", lifecycle), ("processing", lifecycle), ("intake", contacts)},
        "metrics": {("intake", lifecycle), ("processing", lifecycle)},
    }


def test_people_are_opened_by_their_own_key_alone() -> None:
    keys = {key["code"]: KEK.unwrap_key(key["wrapped_key"]) for key in of(KEYS)}
    assert len(set(keys.values())) == DOSSIERS_LOADED
    for dossier in of(DOSSIERS):
        code = str(dossier["code"])
        opened = open_sealed(keys[code], dossier["people"], associated_data(code, Purpose.PEOPLE))
        assert "Thử Nghiệm" in People.model_validate_json(opened).applicant.name
    hashes = {case["code"]: case["tracking_secret_hash"] for case in of(CASES)}
    assert len(set(hashes.values())) == DOSSIERS_LOADED


def test_the_contact_that_notification_keeps_is_the_one_that_was_stated() -> None:
    stated = {
        fact["subject"]: ContactStated.model_validate_json(fact["body"])
        for fact in of(JOURNALS["intake"])
        if fact["type"] == ContactStated.TYPE
    }
    keys = {key["code"]: KEK.unwrap_key(key["wrapped_key"]) for key in of(KEYS)}
    for contact in of(REACHED):
        code = str(contact["code"])
        assert contact["sealed"] == base64.b64decode(stated[code].sealed)
        opened = open_sealed(keys[code], contact["sealed"], associated_data(code, Purpose.CONTACT))
        assert Contact.model_validate_json(opened).phone


def test_the_counters_say_what_the_dossiers_say() -> None:
    counted = counts_of(loaded())
    by_figure: Counter[Figure] = Counter()
    for tally, number in counted.items():
        by_figure[tally.figure] += number
    finished = sum(dossier["finished_at"] is not None for dossier in of(COUNTED))
    assert by_figure == {Figure.RECEIVED: DOSSIERS_LOADED, Figure.RESOLVED_ON_TIME: finished}
    assert all(tally.day < date(2020, 11, 30) for tally in counted)


def test_what_is_owed_is_owed_by_those_under_way() -> None:
    under_way = {str(each.code) for each in loaded() if not each.life.is_over}
    assert {duty["code"] for duty in of(DUTIES)} == under_way


def test_a_disk_that_does_not_hold_them_is_found_before() -> None:
    needed = 1000 * BYTES_EACH + BESIDES
    assert Forecast(1000, needed).fits
    assert not Forecast(1000, needed - 1).fits
    assert "1,000 dossiers" in str(Forecast(1000, needed))
