"""The page in a real Chromium that reaches nothing but the server, with the released model."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from docs.programs import page as picture_of_the_page
from tests.web.browser import Watched, chromium, draw, watch
from tests.web.conftest import png
from tests.web.strokes import HANDS, drawing
from tests.web.test_server import running


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(None, "--quiet") as (_, said):
        yield said["url"]


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def opened(browser, url: str) -> Watched:
    """The page in a window that the tests share: another one takes the browser a second."""
    return watch(browser, url, has_touch=True, viewport={"width": 1280, "height": 900})


@pytest.fixture
def watched(opened: Watched, url: str) -> Iterator[Watched]:
    """The page as it is when it has just been opened, on which nothing may go wrong."""
    opened.faults.clear()
    opened.page.goto(url)
    opened.page.wait_for_selector("#map-card:not([hidden])")
    yield opened
    assert opened.faults == []


def settle(page) -> None:
    """Wait until nothing is under way."""
    for panel in ("#answer-card", "#map-row", "#drawn-box"):
        page.wait_for_selector(f"{panel}:not([aria-busy=true])")


def answer(page) -> str:
    """Give the answer to what is drawn, once nothing is under way."""
    settle(page)
    return page.evaluate("document.querySelector('#label').firstChild.textContent")


def test_what_is_drawn_is_named(watched: Watched) -> None:
    page, right = watched.page, 0
    for digit in range(10):
        draw(page, drawing(digit, digit % len(HANDS)), ("mouse", "touch", "pen")[digit % 3])
        right += answer(page) == str(digit)
        page.click("#clear")
        expect(page.locator("#bars li")).to_have_count(0)
    assert right >= 9
    expect(page.locator("#label")).to_have_text("Nothing yet")


@pytest.mark.slow
def test_thirty_drawings_by_mouse_touch_and_pen(watched: Watched) -> None:
    page = watched.page
    for how in ("mouse", "touch", "pen"):
        wrong = []
        for digit in range(10):
            for hand in range(len(HANDS)):
                draw(page, drawing(digit, hand), how)
                if answer(page) != str(digit):
                    wrong.append((digit, hand))
                page.click("#clear")
                expect(page.locator("#bars li")).to_have_count(0)
        assert len(wrong) <= 2, (how, wrong)


def test_strokes_are_taken_back(watched: Watched) -> None:
    page = watched.page
    assert page.is_disabled("#undo")
    draw(page, [*drawing(1, 0), [(0.2, 0.9), (0.8, 0.9)]])
    expect(page.locator("#seen")).to_be_visible()
    page.click("#undo")
    assert answer(page) == "1"
    page.keyboard.press("Control+z")
    page.wait_for_selector("#seen", state="hidden")
    assert page.is_visible("#invitation")


def test_the_panels_show_what_the_model_makes_of_it(watched: Watched) -> None:
    page = watched.page
    draw(page, drawing(3, 0))
    assert answer(page) == "3"
    for name in ("#seen", "#reconstruction"):
        assert page.evaluate(f"document.querySelector('{name}').naturalWidth") == 28
    assert page.locator("#by-class li").all_inner_texts() == [str(k) for k in range(10)]
    assert page.locator("#by-class [aria-pressed=true]").inner_text() == "3"
    assert page.input_value("#class") == "3"
    page.locator("#by-class button").nth(8).click()
    assert page.input_value("#class") == "8"


def pixels(page) -> bytes:
    """Give what the map shows, once nothing is under way."""
    settle(page)
    draws = "const c = document.createElement('canvas'); c.width = c.height = 28; const p = c.getContext('2d');"
    return page.evaluate(
        f"() => {{ {draws} p.drawImage(document.querySelector('#drawn'), 0, 0); return c.toDataURL(); }}"
    )


def test_the_map_is_dragged_through(watched: Watched) -> None:
    page = watched.page
    middle = pixels(page)
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.1, steps=8)
    page.mouse.up()
    corner = pixels(page)
    assert corner != middle
    assert (page.input_value("#across"), page.input_value("#up")) == ("80", "80")
    assert '"label":["0"]' in page.input_value("#curl-style")
    with page.expect_download() as saved:
        page.click("#save")
    assert saved.value.suggested_filename == "drawn-0.png"
    with Image.open(saved.value.path()) as picture:
        assert picture.size == (224, 224)
    page.click("#middle")
    assert pixels(page) == middle


def test_the_map_by_keyboard_alone(watched: Watched) -> None:
    page = watched.page
    middle = pixels(page)
    page.focus("#map")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert (page.input_value("#across"), page.input_value("#up")) == ("10", "-5")
    assert pixels(page) != middle
    page.focus("#across")
    page.keyboard.press("End")
    assert page.input_value("#across") == "100"
    page.select_option("#axes", "0")
    page.select_option("#class", "5")
    pixels(page)
    assert '"label":["5"]' in page.input_value("#curl-style")


def test_pictures_by_file_by_paste_and_by_drop(watched: Watched, mnist) -> None:
    page, files = watched.page, [png(mnist.test_image[index]) for index in (0, 1, 2)]
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": files[0]})
    assert answer(page) == "7"
    give = """([kind, name, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
        const more = { bubbles: true, cancelable: true };
        document.body.dispatchEvent(kind === "paste"
            ? new ClipboardEvent(kind, { ...more, clipboardData: data })
            : new DragEvent(kind, { ...more, dataTransfer: data }));
    }"""
    for kind, file, label in (("paste", files[1], "2"), ("drop", files[2], "1")):
        page.evaluate(give, [kind, f"<img src=x onerror=alert(1)>{kind}.png", list(file)])
        expect(page.locator("#label")).to_contain_text(re.compile(f"^{label}"))


def test_warnings_and_faults_are_told(browser, url: str) -> None:
    watched = watch(browser, url)
    page = watched.page
    noise = png(np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8))
    page.set_input_files("#file", {"name": "noise.png", "mimeType": "image/png", "buffer": noise})
    page.wait_for_selector("#warnings li")
    page.set_input_files("#file", {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#fault")).to_contain_text("x.png is not a picture.")
    draw(page, drawing(7, 0))
    page.wait_for_selector("#fault", state="hidden")
    # The one thing on the console is the refusal itself, which browsers write there.
    assert all("422" in fault for fault in watched.faults)
    page.context.close()


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_it_fits_every_screen(browser, url: str, scheme: str) -> None:
    watched = watch(browser, url, color_scheme=scheme)
    page = watched.page
    draw(page, drawing(2, 0))
    answer(page)
    for width in (320, 400, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        picture = Image.open(io.BytesIO(page.screenshot())).convert("L")
        assert (np.asarray(picture).mean() > 128) == (scheme == "light")
    assert watched.faults == []
    page.context.close()


def test_every_control_has_a_name(watched: Watched) -> None:
    page = watched.page
    draw(page, drawing(2, 0))
    answer(page)
    tree = page.locator("body").aria_snapshot()
    for line in tree.splitlines():
        kind, _, rest = line.strip().removeprefix("- ").partition(" ")
        if kind.rstrip(":") in ("button", "slider", "combobox", "textbox", "img"):
            assert rest.strip().startswith('"'), line
    assert "status" in tree or page.get_attribute("#label", "aria-live") == "polite"


def test_the_picture_of_the_docs_is_the_page(browser, url: str) -> None:
    # Coarse, for letters differ between machines: what has moved, gone or changed its colour is seen.
    taken, kept = (
        np.asarray(picture.convert("L").resize((24, 20), Image.Resampling.BOX), np.float32)
        for picture in (picture_of_the_page.take(browser, url), Image.open(picture_of_the_page.PICTURE))
    )
    assert np.abs(taken - kept).max() < 40, "python docs/programs/page.py takes it anew"
