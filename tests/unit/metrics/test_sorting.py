"""Sort keys give Vietnamese dictionary order under a comparison of bytes."""

from __future__ import annotations

import unicodedata

from services.metrics.domain.sorting import sort_key


def test_letters_with_marks_are_letters_of_their_own() -> None:
    words = ["an", "ăn", "ân", "ba", "da", "đa", "e", "ê", "on", "ôn", "ơn", "un", "ưn", "ý"]
    assert sorted(set(words), key=sort_key) == words


def test_tones_decide_only_between_equal_letters() -> None:
    words = ["ma", "mà", "mả", "mã", "má", "mạ", "mác", "mai"]
    assert sorted(set(words), key=sort_key) == words


def test_communes_stand_as_in_a_dictionary() -> None:
    names = ["xã Ba Đình", "xã Nga An", "xã Nga Bạch", "xã Nga Điền", "xã Nga Phú", "xã Nga Phượng", "xã Nga Tân"]
    names += ["xã Nga Thanh", "xã Nga Thành", "xã Nga Thắng", "xã Nga Thủy", "xã Nga Tiến", "xã Nga Yên"]
    assert sorted(set(names), key=sort_key) == names


def test_keys_are_ascii_and_know_no_unicode_form_and_no_case() -> None:
    assert sort_key("Nga Điền").isascii()
    assert sort_key(unicodedata.normalize("NFD", "Nga Thủy")) == sort_key("NGA THỦY")


def test_numbers_stand_before_letters() -> None:
    assert sorted(["khu a", "khu 2", "khu 1"], key=sort_key) == ["khu 1", "khu 2", "khu a"]
