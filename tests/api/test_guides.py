"""The guides as pages: languages, links, tables and rules for what they may load."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from api.guides import english, german
from api.guides.charged import Charged
from api.guides.programs import EXAMPLES, programs
from api.options import OPTIONS
from api.problem_pages import problem_types
from errors import ClientDisconnected, InternalError, InvalidImage, PaymentOutcomeUnknown, PaymentRequired, RetryAction
from payments.rails import RAILS
from tests.api.storefront import BOTH, OFFER, Storefront, open_storefront

GUIDES = ["/guides/x402", "/de/guides/x402", "/guides/mpp", "/de/guides/mpp"]
BY_NAME = {rail.name: rail for rail in RAILS}
EVERYBODY_ELSE = {"x402": "MPP", "mpp": "x402"}


class Page(HTMLParser):
    """What a page links to, loads, and shows, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells[-1] += data

    def values(self, tag: str, attribute: str) -> list[str]:
        """The values of one attribute of all such tags that have it."""
        return [value for name, attributes in self.tags if name == tag and (value := attributes.get(attribute))]


async def page(storefront: Storefront, path: str) -> Page:
    return Page((await storefront.client.get(path)).text)


@pytest.mark.parametrize("path", GUIDES)
async def test_a_guide_is_small_and_complete_html_in_its_language(storefront: Storefront, path: str) -> None:
    answer = await storefront.client.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert len(answer.content) < 100_000
    assert Page(answer.text).values("html", "lang") == ["de" if path.startswith("/de/") else "en"]
    assert "{{" not in answer.text
    assert "{%" not in answer.text


@pytest.mark.parametrize("path", GUIDES)
async def test_a_guide_names_its_translations(storefront: Storefront, path: str) -> None:
    shown, rail = await page(storefront, path), path.rpartition("/")[2]
    origin = OFFER.public_url
    alternates = {
        attributes.get("hreflang"): attributes.get("href")
        for tag, attributes in shown.tags
        if tag == "link" and attributes.get("rel") == "alternate"
    }
    assert alternates == {
        "en": f"{origin}/guides/{rail}",
        "de": f"{origin}/de/guides/{rail}",
        "x-default": f"{origin}/guides/{rail}",
    }
    other = f"/guides/{rail}" if path.startswith("/de/") else f"/de/guides/{rail}"
    assert other in shown.values("a", "href")


@pytest.mark.parametrize("path", ["/", *GUIDES])
async def test_a_page_loads_nothing_and_runs_nothing(storefront: Storefront, path: str) -> None:
    shown = await page(storefront, path)
    assert not [tag for tag, _ in shown.tags if tag in {"script", "img", "iframe", "form", "object", "video"}]
    loaded = [attributes["href"] for tag, attributes in shown.tags if tag == "link" and attributes["rel"] == "icon"]
    assert loaded == ["/favicon.svg"]
    assert not [name for _, attributes in shown.tags for name in attributes if name == "style" or name.startswith("on")]
    assert "url(" not in (await storefront.client.get(path)).text


@pytest.mark.parametrize("path", ["/", *GUIDES])
async def test_every_link_leads_somewhere(storefront: Storefront, path: str) -> None:
    shown = await page(storefront, path)
    anchors = {attributes["id"] for _, attributes in shown.tags if attributes.get("id")}
    for target in shown.values("a", "href"):
        if target.startswith("#"):
            assert target[1:] in anchors
        elif target.startswith("/"):
            assert (await storefront.client.get(target)).status_code == 200, target
        else:
            assert target.startswith("https://")


@pytest.mark.parametrize("path", GUIDES)
async def test_the_tables_hold_every_option_and_every_error(storefront: Storefront, path: str) -> None:
    shown = await page(storefront, path)
    assert [each for each in shown.cells if each in {*OPTIONS, "model"}] == [*OPTIONS, "model"]
    for name, option in OPTIONS.items():
        assert f"{name}={option.example}" in shown.cells
    codes = {error.code: str(error.status) for error in problem_types() if error is not ClientDisconnected}
    rows = {code: shown.cells[at - 1] for at, code in enumerate(shown.cells) if code in codes}
    assert rows == codes


def test_both_languages_have_a_sentence_for_everything() -> None:
    for words in (english, german):
        assert words.OPTIONS.keys() == OPTIONS.keys()
        assert words.ERRORS.keys() >= {error.code for error in problem_types() if error is not ClientDisconnected}
        assert words.NEXT_STEPS.keys() == set(RetryAction)
        assert words.CHARGED.keys() == set(Charged)
    assert german.ERRORS.keys() <= english.ERRORS.keys()


def test_only_what_is_certain_is_said_of_the_money() -> None:
    kinds = [PaymentRequired, PaymentOutcomeUnknown, InvalidImage, InternalError]
    assert [Charged.by(kind) for kind in kinds] == [Charged.NO, Charged.YES, Charged.UNLESS, Charged.ASK]


async def test_the_pages_of_the_two_languages_have_the_same_parts(storefront: Storefront) -> None:
    for rail in ("x402", "mpp"):
        texts = [await page(storefront, path) for path in (f"/guides/{rail}", f"/de/guides/{rail}")]
        parts = [[attributes["id"] for _, attributes in each.tags if "id" in attributes] for each in texts]
        assert parts[0] == parts[1]
        assert len(parts[0]) > 15


@pytest.mark.parametrize("path", GUIDES)
async def test_a_guide_tells_limits_and_price_as_they_are_set(tmp_path: Path, path: str) -> None:
    async with open_storefront(tmp_path, offer=BOTH, per_minute=17) as storefront:
        text = (await storefront.client.get(path)).text
    for value in ("50000", "17", "small, large", str(120 if "x402" in path else 300)):
        assert value in text
    comma = path.startswith("/de/")
    assert ("0,05 US-Dollar" if comma else "$0.05") in text
    assert ("0,15 US-Dollar" if comma else "$0.15") in text
    assert ("25.000.000" if comma else "25,000,000") in text


@pytest.mark.parametrize(
    ("money", "says"),
    [("real", None), ("testnet", "(a test network)"), ("sandbox", "a local test chain")],
)
async def test_a_guide_says_whether_the_money_is_real(tmp_path: Path, money: str, says: str | None) -> None:
    rails = tuple(replace(rail, money=money) for rail in OFFER.rails)  # type: ignore[arg-type] # one of its literals
    async with open_storefront(tmp_path, offer=replace(OFFER, rails=rails)) as storefront:
        for path in ("/guides/x402", "/guides/mpp"):
            text = (await storefront.client.get(path)).text
            assert ("Test money." in text) is (says is not None)
            assert says is None or says in text


@pytest.fixture
async def bound(tmp_path: Path) -> AsyncIterator[Storefront]:
    hosts = {"x402.example.com": ("x402",), "mpp.example.com": ("mpp",)}
    async with open_storefront(tmp_path, offer=replace(OFFER, hosts=hosts)) as storefront:
        yield storefront


@pytest.mark.parametrize("rail", ["x402", "mpp"])
async def test_a_bound_host_has_the_guides_of_its_rail_only(bound: Storefront, rail: str) -> None:
    host, other = {"Host": f"{rail}.example.com"}, EVERYBODY_ELSE[rail].lower()
    for path in (f"/guides/{rail}", f"/de/guides/{rail}"):
        text = (await bound.client.get(path, headers=host)).text
        assert f"https://{rail}.example.com/v1/remove-background" in text
        assert "cutouts.example.com" not in text
        assert not re.search(rf"\b{other}\b", re.sub("(?i)mpp_|mppx", "", text), re.IGNORECASE)
        assert (await bound.client.get(path.replace(rail, other), headers=host)).status_code == 404
    for name in programs(BY_NAME[rail]).values():
        assert (await bound.client.get(name.path, headers=host)).status_code == 200
    for name in programs(BY_NAME[other]).values():
        assert (await bound.client.get(name.path, headers=host)).status_code == 404


@pytest.mark.parametrize("rail", ["x402", "mpp"])
async def test_the_programs_are_the_files_that_the_client_tests_run(storefront: Storefront, rail: str) -> None:
    for program in programs(BY_NAME[rail]).values():
        answer = await storefront.client.get(program.path)
        assert answer.text == (EXAMPLES / program.path.removeprefix("/examples/")).read_text()
