"""Changes laid over the catalogue: what each line does, and what is said of one that cannot be used."""

from __future__ import annotations

from datetime import date

import pytest

from shared.rulebook.catalogue import Catalogue
from shared.rulebook.limits import Limit, LimitKind
from shared.rulebook.loader import load_seed, parse_catalogue
from shared.rulebook.rule_files.catalogue_changes import Base, with_changes
from shared.rulebook.rule_files.drawing import draw_catalogue
from shared.rulebook.rule_files.faults import RuleFileFaulty

SEED = parse_catalogue("catalogue-1", load_seed().catalogue)
BASE = Base(SEED, date(2027, 1, 4))
HEADER = "procedure_code,case_code,field,value"
MARRIAGE = ("1.000894", "default")
LAND = ("1.012784", "default")
NEW_LAW = (
    ",,in_force_from,2027-03-01",
    "1.000894,default,limit_kind,working_days",
    "1.000894,default,statutory,3",
    "1.000894,default,promised,1",
    "1.000894,default,cut_off,",
)


def lines(*given: str) -> str:
    return "\n".join((HEADER, *given, ""))


def laid(*given: str, base: Base = BASE) -> Catalogue:
    content = with_changes(lines(*given), base)
    return Catalogue("catalogue-2", content.cases, content.effective_from)


def faults_of(*given: str, base: Base = BASE) -> list[tuple[int, str]]:
    with pytest.raises(RuleFileFaulty) as refused:
        with_changes(lines(*given), base)
    for fault in refused.value.faults:
        assert all((*fault.reason, *fault.remedy)), fault
    return [(fault.line, fault.code) for fault in refused.value.faults]


def test_a_case_changes_and_everything_else_stays() -> None:
    after = laid(*NEW_LAW)
    assert after.effective_from == date(2027, 3, 1)
    assert after.case(*MARRIAGE).promised_limit == Limit(LimitKind.WORKING_DAYS, 1)
    assert [case for case in after.cases if case not in SEED.cases] == [after.case(*MARRIAGE)]
    assert after.case(*MARRIAGE).papers == SEED.case(*MARRIAGE).papers


def test_papers_are_asked_for_once_without_a_leader_in_every_case() -> None:
    assert {case.max_supplements for case in SEED.cases} == {1}


def test_without_a_day_a_version_is_in_force_from_today() -> None:
    assert laid("1.000894,default,fee_vnd,50000").effective_from == BASE.today


def test_steps_and_papers_are_named_by_number_and_code() -> None:
    paper = SEED.case(*MARRIAGE).papers[0]
    after = laid(
        "1.000894,default,steps.2.allowance_hours,1",
        f"1.000894,default,papers.{paper.code}.certified,2",
        f"1.000894,default,papers.{paper.code}.required,false",
        "1.000894,default,excluded_periods,posting;survey",
    )
    changed = after.case(*MARRIAGE)
    assert changed.step(2).allowance_hours == 1
    assert (changed.papers[0].certified, changed.papers[0].required) == (2, False)
    assert changed.excluded_periods == ("posting", "survey")


def test_a_new_case_begins_as_a_copy() -> None:
    after = laid(
        "1.000894,abroad,copy_of,default",
        "1.000894,abroad,case_name_vi,Có yếu tố nước ngoài",
        "1.000894,abroad,effective_from,2027-03-01",
    )
    new = after.case("1.000894", "abroad")
    assert (new.case_name_vi, new.steps) == ("Có yếu tố nước ngoài", SEED.case(*MARRIAGE).steps)
    assert (new.year_2020_weight, new.in_year_2020) == (0, False)
    assert after.case(*MARRIAGE) == SEED.case(*MARRIAGE)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("9.999999,default,promised,2", "no_case"),
        ("1.000894,nobody,promised,2", "no_case"),
        (",default,promised,2", "missing"),
        ("1.000894,default,,2", "missing"),
        ("1.000894,default,row,2", "choice"),
        ("1.000894,default,max_supplements,2", "choice"),
        ("1.000894,default,steps,2", "choice"),
        ("1.000894,default,steps.99.allowance_hours,2", "choice"),
        ("1.000894,default,steps.2.no,2", "choice"),
        ("1.000894,default,papers.nothing.required,true", "choice"),
        ("1.000894,default,fee_vnd,free", "no_value"),
        ("1.000894,default,fee_vnd,-1", "no_value"),
        ("1.000894,default,fee_vnd,", "no_value"),
        ("1.000894,default,steps.2.allowance_hours,-1", "no_value"),
        ("1.000894,default,supplement_policy,never", "no_value"),
        ("1.000894,default,statutory,3", "limits"),
        ("1.000656,verified,promised,9", "limits"),
        ("1.000894,default,effective_to,2019-12-31", "dates"),
        ("1.000894,default,copy_of,default", "case_exists"),
        ("1.000894,new,copy_of,nobody", "no_case"),
        (",,in_force_from,2027-01-03", "past"),
        (",,in_force_from,soon", "no_date"),
    ],
)
def test_each_faulty_line_is_named_with_its_reason_and_remedy(line: str, code: str) -> None:
    assert faults_of("1.001193,default,fee_vnd,8000", line) == [(3, code)]


def test_a_value_is_given_once_and_something_has_to_change() -> None:
    assert faults_of("1.001193,default,fee_vnd,8000", "1.001193,default,fee_vnd,9000") == [(3, "twice")]
    assert faults_of("1.001193,default,fee_vnd,0") == [(0, "changes_nothing")]


def test_a_version_is_not_in_force_before_the_one_that_it_is_laid_over() -> None:
    pending = Base(laid(*NEW_LAW), BASE.today)
    assert faults_of("1.001193,default,fee_vnd,8000", ",,in_force_from,2027-02-28", base=pending) == [
        (3, "before_pending")
    ]
    assert laid(",,in_force_from,2027-03-01", "1.001193,default,fee_vnd,8000", base=pending).effective_from == date(
        2027, 3, 1
    )


def test_who_plans_and_who_publishes_draw_the_same_version() -> None:
    first, again = (draw_catalogue(lines(*NEW_LAW), BASE, 1) for _ in range(2))
    assert first == again
    assert parse_catalogue(first.version, first.content).effective_from == date(2027, 3, 1)


def test_a_case_has_other_limits_for_what_is_filed_online() -> None:
    after = laid("1.012784,default,statutory_online,8", "1.012784,default,promised_online,2")
    desk, online = (after.case(*LAND, filed_online=each) for each in (False, True))
    assert [desk.statutory_limit.amount, desk.promised_limit.amount] == [12, 4]
    assert [online.statutory_limit.amount, online.promised_limit.amount] == [8, 2]
    assert online.steps == desk.steps


def test_a_limit_that_is_not_given_for_online_filings_is_as_at_the_desk() -> None:
    online = laid("1.012784,default,promised_online,2").case(*LAND, filed_online=True)
    assert [online.statutory_limit.amount, online.promised_limit.amount] == [12, 2]
    assert SEED.case(*LAND, filed_online=True) is SEED.case("1.012784", "default")


@pytest.mark.parametrize(
    "given",
    [
        ("1.012784,default,promised_online,13",),
        ("1.012784,default,statutory_online,3",),
        ("1.012784,default,statutory_online,8", "1.012784,default,promised_online,9"),
        ("1.000894,default,promised_online,1",),
    ],
    ids=["more than the law", "less than the promise", "no pair", "same day"],
)
def test_limits_online_that_are_no_pair_are_refused(given: tuple[str, ...]) -> None:
    assert faults_of(*given) == [(1 + len(given), "limits")]


def test_limits_online_travel_with_a_later_version_and_never_with_the_seed() -> None:
    drawn = draw_catalogue(lines("1.012784,default,promised_online,2"), BASE, 1)
    assert parse_catalogue(drawn.version, drawn.content).case(*LAND, filed_online=True).promised == 2
    assert not any(name.endswith("_online") for case in load_seed().catalogue["cases"] for name in case)
