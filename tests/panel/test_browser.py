"""The page in a real browser: by keyboard, mouse and touch; resumed, doubled, cut off; from right to left; looked at by axe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emoticrafter.escapes import csv_text
from emoticrafter.panel import words as shipped_words
from emoticrafter.panel.frozen import draft, freeze
from tests.panel.live import CHROMIUM, Live, needs_chromium, serving
from tests.panel.studies import AXIS, frozen_study, write_study

pytestmark = [needs_chromium, pytest.mark.slow]

SMALL = "[design]\npractice = 1\nchecks = 1\ncontents = 2\n"
KINDS: dict[str, tuple[str, str, tuple[float, ...]]] = {
    "validate-pairs": ("validate-pairs", SMALL, (0.0,)),
    "rank": ("rank", SMALL.replace("contents = 2", "contents = 1"), AXIS),
    "rate-sets": ("rate-sets", SMALL, (-3.0, 0.0, 3.0)),
    "affect-grid": ("rate", SMALL, (0.0,)),
    "affective-slider": ("rate", SMALL + '[rate]\ninstrument = "affective-slider"\n', (0.0,)),
    "sam": ("rate", SMALL + '[rate]\ninstrument = "sam"\nscales = ["valence", "arousal", "dominance"]\n', (0.0,)),
    "likert": ("rate", SMALL + '[rate]\ninstrument = "likert"\n', (0.0,)),
    "compare": ("compare", SMALL, (0.0,)),
}
READY = ".trial:not(.waiting), .text"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """A desktop's page; whatever its console complains about fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield watched(context.new_page())
    context.close()


def watched(page: Any) -> Any:
    page.set_default_timeout(15_000)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda told: page.faults.append(told.text) if told.type == "error" else None)
    return page


def study(folder: Path, name: str, more: str = "") -> Any:
    kind, own, values = KINDS[name]
    return frozen_study(folder, kind, own + more, values=values)


def enter_by_keyboard(page: Any, address: str) -> None:
    page.goto(address)
    page.wait_for_selector(".text h1")
    page.keyboard.press("Tab")  # from the heading, which has the focus, to the first button
    page.keyboard.press("Enter")
    page.wait_for_selector(".keys")
    page.keyboard.press("Enter")


def answer_by_keyboard(page: Any) -> None:
    """One page of a trial, as its instructions say it goes."""
    if page.locator(".grid").count():
        while not page.evaluate("document.activeElement.classList.contains('cell')"):
            page.keyboard.press("Tab")
        for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Space"):
            page.keyboard.press(key)
    elif sliders := page.locator(".slider").count():
        for _ in range(sliders):
            page.keyboard.press("Tab")
            for _ in range(4):
                page.keyboard.press("ArrowRight")
    elif page.locator(".rank").count():
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
    elif page.locator(".choice").count():
        page.keyboard.press("ArrowRight")
    else:
        for _ in range(page.locator("fieldset").count()):
            page.keyboard.press("2")
    page.keyboard.press("Enter")


def go_on(page: Any, answer: Any, until: str = ".buttons") -> None:
    """Answer whatever comes, until the page at the end."""
    for _ in range(200):
        shown = page.wait_for_selector(READY)
        if shown.query_selector(until):
            return
        if "trial" in shown.get_attribute("class"):
            answer(page)
        else:
            assert page.locator("button.next").count(), shown.inner_text()
            press_on(page)
        page.wait_for_function("shown => !shown.isConnected", arg=shown)
    raise AssertionError("the study does not end")


def press_on(page: Any) -> None:
    page.locator("button.next").click()


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_by_keyboard_alone(tmp_path: Path, tab: Any, name: str) -> None:
    with serving(study(tmp_path, name)) as live:
        enter_by_keyboard(tab, live.links()[0])
        go_on(tab, answer_by_keyboard)
        assert tab.locator(".text h1").inner_text() == "Thank you"
        (person,) = live.store.participants()
        trials = live.frozen.trials(person.sequence)
        assert (person.state, person.answered) == ("finished", len(trials))
        rows = live.store.responses()
        assert len(rows) == sum(len(one.questions) for one in trials)
        assert all(0 < one.rt_ms < 20_000 for one in rows)
        assert {(one.window_width, one.window_height, one.touch) for one in rows} == {(1280, 800, False)}
        for one in rows:
            if one.instrument == "affect-grid":
                assert one.answer == {"valence": 7, "arousal": 6}[one.question]
            elif one.instrument == "affective-slider":
                assert one.answer == pytest.approx(0.52)
            elif one.instrument == "rank":
                assert one.answer == [one.pictures[1], one.pictures[0], *one.pictures[2:]]
            elif one.instrument == "choice":
                assert one.answer == one.pictures[1]
            elif one.instrument == "yes-no":
                assert one.answer is False
            else:
                assert one.answer == (-2 if one.low == -3 else 2)
        assert tab.faults == []


def answer_by_touch(page: Any) -> None:
    if page.locator(".rank").count():
        tiles = page.locator(".tile")
        tiles.nth(4).tap()
        tiles.nth(0).tap()
    elif page.locator(".grid").count():
        page.locator(".cell").nth(9).tap()
    elif page.locator(".candidate").count():
        page.locator(".candidate").first.tap()
    else:
        for one in page.locator("fieldset").all():
            one.locator(".point").nth(0).tap()
        for one in page.locator(".slider").all():
            one.tap()
    page.locator("button.next").tap()


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_by_touch_on_a_phone(tmp_path: Path, chromium: Any, name: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2)
    page = watched(context.new_page())

    def answer(page: Any) -> None:
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, "the page is wider than the phone"
        small = page.evaluate(
            "[...document.querySelectorAll('.point, .tile, .cell, button')].map((one) => one.getBoundingClientRect())"
            ".filter((box) => box.width < 24 || box.height < 24).length"
        )
        assert small == 0, "something to touch is smaller than 24 by 24"
        answer_by_touch(page)

    with serving(study(tmp_path, name)) as live:
        page.goto(live.links()[0])
        page.locator("button.next").tap()
        page.wait_for_selector(".keys")
        go_on(page, answer)
        assert live.store.participants()[0].state == "finished"
        rows = live.store.responses()
        assert {one.touch for one in rows} == {True}
        for one in rows:
            if one.instrument == "rank":
                assert one.answer == [one.pictures[4], *one.pictures[:4]]
            elif one.instrument == "affect-grid":
                assert one.answer == {"valence": 1, "arousal": 8}[one.question]
    assert page.faults == []
    context.close()


def test_a_picture_is_dragged_to_its_place(tmp_path: Path, tab: Any) -> None:
    with serving(study(tmp_path, "rank")) as live:
        enter_by_keyboard(tab, live.links()[0])
        tab.wait_for_selector(".trial:not(.waiting) .rank")
        order = live.frozen.trials(0)[0].pictures
        boxes = [one.bounding_box() for one in tab.locator(".tile").all()]
        first, fourth = ({"x": box["x"] + box["width"] / 2, "y": box["y"] + 40} for box in (boxes[0], boxes[3]))
        tab.mouse.move(first["x"], first["y"])
        tab.mouse.down()
        tab.mouse.move(fourth["x"], fourth["y"], steps=12)
        tab.mouse.up()
        assert tab.locator(".tile[aria-pressed=true]").count() == 0  # a drag is no choice
        tab.keyboard.press("Enter")
        tab.wait_for_selector(".ratings")
        answer_by_keyboard(tab)
        tab.wait_for_selector(".text h1")
        (rank, *_) = live.store.responses()
        assert rank.answer == [order[1], order[2], order[3], order[0], order[4]]


def test_a_page_that_was_closed_goes_on_where_it_was(tmp_path: Path, chromium: Any) -> None:
    with serving(study(tmp_path, "likert")) as live:
        (address,) = live.links()
        context = chromium.new_context()
        first = watched(context.new_page())
        enter_by_keyboard(first, address)
        for number in (1, 2):
            first.wait_for_selector(".trial:not(.waiting)")
            answer_by_keyboard(first)
            first.wait_for_function("n => document.getElementById('progress-text').textContent.startsWith(n)", arg=f"{number} of")
            if number == 1:
                first.wait_for_selector(".text h1")
                press_on(first)
        first.wait_for_selector(".trial:not(.waiting)")
        first.keyboard.press("2")  # half an answer, which is lost
        first.close()
        assert live.store.participants()[0].answered == 2

        second = watched(context.new_page())
        second.goto(address)
        second.wait_for_selector(".keys")
        assert second.locator(".text h1").inner_text() == "Welcome back"
        assert "2 of 6 pages are done" in second.locator(".text").inner_text()
        press_on(second)
        go_on(second, answer_by_keyboard)
        rows = live.store.responses()
        assert (
            len(rows)
            == len({(one.trial, one.question) for one in rows})
            == sum(len(one.questions) for one in live.frozen.trials(0))
        )
        assert len({one.session for one in rows}) == 2
        context.close()


def test_two_tabs_cannot_answer_twice(tmp_path: Path, chromium: Any) -> None:
    with serving(study(tmp_path, "likert")) as live:
        (address,) = live.links()
        context = chromium.new_context()
        first, second = watched(context.new_page()), context.new_page()
        enter_by_keyboard(first, address)
        first.wait_for_selector(".trial:not(.waiting)")
        second.goto(address)
        second.wait_for_selector(".keys")
        answer_by_keyboard(first)
        first.wait_for_selector("[role=alert]")
        assert "open in another tab" in first.locator("[role=alert]").inner_text()
        assert live.store.responses() == []
        press_on(second)
        second.wait_for_selector(".trial:not(.waiting)")
        answer_by_keyboard(second)
        second.wait_for_selector(".text h1")
        assert len({one.session for one in live.store.responses()}) == 1
        context.close()


def test_an_answer_waits_for_a_connection_that_is_gone(tmp_path: Path, tab: Any) -> None:
    with serving(study(tmp_path, "likert")) as live:
        enter_by_keyboard(tab, live.links()[0])
        tab.wait_for_selector(".trial:not(.waiting)")
        tab.route("**/api/answer", lambda route: route.abort())
        answer_by_keyboard(tab)
        tab.wait_for_selector("[role=alert]")
        assert "could not be saved" in tab.locator("[role=alert]").inner_text()
        assert live.store.responses() == []
        tab.unroute("**/api/answer")
        tab.locator("[role=alert] button").click()
        tab.wait_for_selector(".text h1")
        assert [one.answer for one in live.store.responses()] == [2.0, 2.0]


def test_an_open_entry_ends_with_a_code_and_a_way_back(tmp_path: Path, tab: Any) -> None:
    people = (
        "[people]\nentry = 'open'\ncompletion_code = 'C0DE'\nreturn_address = 'https://example.org/back'\n"
        "criteria = ['I am 18 or older.']\n"
    )
    with serving(study(tmp_path, "likert", people)) as live:
        tab.goto(f"{live.base}/?PROLIFIC_PID=abc&SESSION_ID=s")
        tab.locator("button.next").click()
        assert "confirm all statements" in tab.locator(".fault").inner_text()
        assert live.store.participants() == []
        tab.locator("input[type=checkbox]").check()
        press_on(tab)
        tab.wait_for_selector(".keys")
        assert "/p/" in tab.url
        assert "PROLIFIC" not in tab.url
        press_on(tab)
        go_on(tab, answer_by_keyboard, until=".code")
        assert tab.locator(".code").inner_text() == "Your completion code is C0DE."
        assert tab.locator("a.next").get_attribute("href") == "https://example.org/back"
        assert live.store.participants()[0].parameters == {"PROLIFIC_PID": "abc", "SESSION_ID": "s"}
        tab.reload()
        tab.wait_for_selector(".code")

        tab.locator("button.quiet").click()
        tab.wait_for_function("() => document.querySelector('.text h1').textContent === 'Delete my answers'")
        press_on(tab)
        tab.wait_for_function("() => document.querySelector('.text').textContent.includes('have been deleted')")
        assert (live.store.responses(), live.store.withdrawn) == ([], 1)
        assert tab.faults == []


def test_whoever_declines_is_not_kept(tmp_path: Path, tab: Any) -> None:
    with serving(study(tmp_path, "likert", "[people]\nentry = 'open'\n")) as live:
        tab.goto(live.base)
        tab.locator("button.quiet").click()
        tab.wait_for_function("() => document.querySelector('.text').textContent.includes('nothing was kept')")
        assert live.store.participants() == []
        tab.goto(f"{live.base}/p/no-such-token")
        tab.wait_for_selector("[role=alert]")
        assert "This link is not known" in tab.locator("[role=alert]").inner_text()


def test_a_window_that_is_too_small_is_told_so(tmp_path: Path, chromium: Any) -> None:
    context = chromium.new_context(viewport={"width": 300, "height": 400})
    page = watched(context.new_page())
    with serving(study(tmp_path, "likert")) as live:
        page.goto(live.links()[0])
        page.locator("button.next").click()
        page.wait_for_function("() => document.getElementById('study').textContent.includes('320 by 480')")
        page.set_viewport_size({"width": 400, "height": 700})
        page.wait_for_selector(".keys")
    context.close()


def test_nothing_that_a_study_says_is_html(tmp_path: Path, tab: Any) -> None:
    evil = "<img src=x onerror='window.hacked=1'>"
    rows = [(str(i), f"{evil} dog", f"{evil} joyful dog", 1.0, 1.0) for i in range(3)]
    (tmp_path / "pairs.csv").write_text(
        csv_text([("id", "neutral_prompt", "emotional_prompt", "valence", "arousal"), *rows]), encoding="utf-8"
    )
    path = write_study(
        tmp_path,
        "validate-pairs",
        f'[people]\nentry = "open"\ncontact = "{evil}"\ncriteria = ["{evil}"]\ncompletion_code = "{evil}"\n',
    )
    text = path.read_text(encoding="utf-8").replace("[study]\n", f'[study]\ntitle = "{evil}"\ninstructions = "{evil}"\n')
    path.write_text(text, encoding="utf-8")
    with serving(freeze(draft(path), tmp_path / "kept")) as live:
        tab.goto(live.base)
        tab.locator("input[type=checkbox]").check()
        assert tab.locator(".text h1").inner_text() == evil
        press_on(tab)
        tab.wait_for_selector(".keys")
        assert evil in tab.locator(".text").inner_text()
        press_on(tab)
        tab.wait_for_selector(".sentences")
        assert tab.locator(".emotional p").inner_text() == f"{evil} joyful dog"
        go_on(tab, answer_by_keyboard, until=".code")
        assert evil in tab.locator(".code").inner_text()
        assert tab.evaluate("window.hacked") is None


@pytest.mark.parametrize("name", KINDS)
def test_axe_finds_nothing_to_mend(tmp_path: Path, chromium: Any, name: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = watched(context.new_page())
    found: dict[str, Any] = {}
    looked = set()

    def look(where: str) -> None:
        if where in looked:
            return
        looked.add(where)
        for one in Axe().run(page).response["violations"]:
            if one["impact"] in ("serious", "critical", "moderate"):
                found[f"{where}: {one['id']}"] = [node["html"][:120] for node in one["nodes"]][:3]

    def answer(page: Any) -> None:
        look(page.evaluate("[...document.querySelector('.questions').children].map((one) => one.className).join()"))
        answer_by_keyboard(page)

    with serving(study(tmp_path, name, "[people]\ncriteria = ['I am 18 or older.']\n")) as live:
        page.goto(live.links()[0])
        page.locator("input[type=checkbox]").check()
        look("consent")
        press_on(page)
        page.wait_for_selector(".keys")
        look("instructions")
        press_on(page)
        go_on(page, answer)
        look("end")
    context.close()
    assert found == {}


def right_to_left(folder: Path) -> None:
    """Words in Hebrew where it is seen, the rest as it is."""
    text = (Path(shipped_words.__file__).parent / "en.toml").read_text(encoding="utf-8")
    for old, new in (
        ('tag = "en"', 'tag = "he"'), ('direction = "ltr"', 'direction = "rtl"'), ('next = "Next"', 'next = "הבא"'),
        ('valence_low = "unpleasant"', 'valence_low = "לא נעים"'), ('valence_high = "pleasant"', 'valence_high = "נעים"'),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (folder / "he.toml").write_text(text, encoding="utf-8")


def test_a_language_from_right_to_left(tmp_path: Path, tab: Any) -> None:
    right_to_left(tmp_path)
    kind, more, values = KINDS["rank"]
    with serving(frozen_study(tmp_path, kind, more, values=values, language="he.toml")) as live:
        enter_by_keyboard(tab, live.links()[0])
        tab.wait_for_selector(".trial:not(.waiting) .rank")
        assert tab.evaluate("[document.documentElement.dir, document.documentElement.lang]") == ["rtl", "he"]
        assert tab.locator("button.next").inner_text() == "הבא"
        places = [one.bounding_box()["x"] for one in tab.locator(".tile").all()]
        assert places == sorted(places, reverse=True)  # the first stands on the right, beside the low end
        low, high = (tab.locator(".rank-ends > span").nth(i).bounding_box()["x"] for i in (0, 1))
        assert low > high
        order = live.frozen.trials(0)[0].pictures
        tab.keyboard.press("Tab")
        tab.keyboard.press("ArrowLeft")  # onwards
        tab.keyboard.press("Enter")
        tab.wait_for_selector(".ratings")
        answer_by_keyboard(tab)
        tab.wait_for_selector(".text h1")
        assert live.store.responses()[0].answer == [order[1], order[0], *order[2:]]


def test_a_sheet_shows_its_pictures_in_large(tmp_path: Path, tab: Any) -> None:
    with serving(study(tmp_path, "rate-sets")) as live:
        enter_by_keyboard(tab, live.links()[0])
        tab.wait_for_selector(".trial:not(.waiting) .sheet")
        tab.locator(".sheet-cell").nth(3).click()
        assert tab.locator("dialog[open] img").get_attribute("src") == tab.locator(".sheet-cell img").nth(3).get_attribute("src")
        tab.keyboard.press("2")  # answers nothing behind it
        tab.keyboard.press("Escape")
        assert tab.locator("dialog[open]").count() == 0
        assert tab.locator("input:checked").count() == 0
        answer_by_keyboard(tab)
        tab.wait_for_selector(".text h1")


@pytest.mark.parametrize(
    ("given", "told"), [({"preview": True}, "Preview: nothing is kept"), ({"simulated": True}, "Simulated answers")]
)
def test_every_page_says_that_it_is_no_study_with_people(tmp_path: Path, tab: Any, given: dict[str, bool], told: str) -> None:
    with serving(study(tmp_path, "likert"), **given) as live:

        def answer(page: Any) -> None:
            assert page.locator("#banner").is_visible()
            answer_by_keyboard(page)

        tab.goto(live.links()[0])
        tab.wait_for_selector(".text h1")
        assert tab.locator("#banner").inner_text() == told
        press_on(tab)
        tab.wait_for_selector(".keys")
        assert tab.locator("#banner").is_visible()
        press_on(tab)
        go_on(tab, answer)
        assert tab.locator("#banner").is_visible()


def test_a_page_that_nobody_has_answered_waits(tmp_path: Path, tab: Any) -> None:
    with serving(study(tmp_path, "affective-slider")) as live:
        enter_by_keyboard(tab, live.links()[0])
        tab.wait_for_selector(".trial:not(.waiting)")
        tab.keyboard.press("Enter")
        assert tab.locator("button.next").is_disabled()
        tab.locator(".slider").first.focus()
        tab.keyboard.press("ArrowRight")
        assert tab.locator("button.next").is_disabled()  # one slider is untouched
        assert live.store.responses() == []


def test_what_live_gives_is_a_study(tmp_path: Path) -> None:
    with serving(study(tmp_path, "likert")) as live:
        assert isinstance(live, Live)
        assert len(live.links(2)) == 2
