"""The board: one page in two languages, small, complete without scripts and without other hosts."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from services.metrics.domain.formulas import FORMULAS
from tests.integration.metrics.town import Town


class Page(HTMLParser):
    """What a page is made of, by tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.tags if found == tag]


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_the_board_is_whole_without_a_script(town: Town, language: str) -> None:
    answer = await town.client.get("/", params={"lang": language})
    page = Page(answer.text)
    assert answer.headers["content-language"] == page.all("html")[0]["lang"] == language
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not page.all("script")
    assert not [attributes for _, attributes in page.tags if "style" in attributes]
    assert len(answer.content) < 50_000
    for line in FORMULAS:
        assert (line.vi if language == "vi" else line.en) in page.text
    assert len(page.all("h1")) == 1
    assert all(head.get("scope") for head in page.all("th"))
    assert [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "refresh"] == ["5"]


async def test_every_address_on_the_board_answers_here(town: Town) -> None:
    page = Page((await town.client.get("/", params={"lang": "vi"})).text)
    addresses = {attributes["href"] for tag in ("a", "link") for attributes in page.all(tag)}
    for address in sorted(str(address) for address in addresses if not str(address).startswith("#")):
        assert address.startswith("/"), address
        answer = await town.client.get(address)
        assert answer.status_code == 200, address
        if address.startswith("/look/"):
            assert "immutable" in answer.headers["cache-control"]
            again = await town.client.get(address, headers={"If-None-Match": answer.headers["etag"]})
            assert again.status_code == 304


async def test_vietnamese_comes_first_and_english_when_it_is_preferred(town: Town) -> None:
    for accepted, language in (("", "vi"), ("fr", "vi"), ("en-GB,en;q=0.9", "en"), ("en;q=0.5,vi;q=0.8", "vi")):
        answer = await town.client.get("/", headers={"Accept-Language": accepted})
        assert answer.headers["content-language"] == language
    assert (await town.client.get("/", params={"lang": "vi"}, headers={"Accept-Language": "en"})).headers[
        "content-language"
    ] == "vi"


async def test_a_reader_may_stop_the_refreshing(town: Town) -> None:
    page = Page((await town.client.get("/", params={"refresh": "0"})).text)
    assert not [meta for meta in page.all("meta") if "http-equiv" in meta]
    assert any("refresh=1" in str(link["href"]) for link in page.all("a"))


async def test_places_stand_in_dictionary_order(town: Town) -> None:
    report = await town.report()
    names = [place["name_vi"] for place in report["by_place"]]
    assert names[:4] == [
        "Bộ phận Tiếp nhận và Trả kết quả huyện Nga Sơn",
        "UBND thị trấn Nga Sơn",
        "UBND xã Ba Đình",
        "UBND xã Nga An",
    ]
    assert names.index("UBND xã Nga Phú") < names.index("UBND xã Nga Phượng") < names.index("UBND xã Nga Tân")
    assert names.index("UBND xã Nga Thanh") < names.index("UBND xã Nga Thành") < names.index("UBND xã Nga Thắng")
