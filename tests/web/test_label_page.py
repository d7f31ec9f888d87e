"""The labelling page: by keyboard in a real Chromium, and killed in the midst of it."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.browser import chromium, watch
from tests.web.conftest import png


@contextmanager
def asking(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the page for a folder, and give its address."""
    command = [sys.executable, "-m", "aaecli", "label", str(folder), "--web", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, process.communicate()[1]
        yield process, url
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path, mnist) -> Path:
    """Thirty digits, of which two of each of four classes have a label."""
    target = tmp_path / "digits"
    target.mkdir()
    rows = ["path,label"]
    for index in range(30):
        (target / f"{index:02d}.png").write_bytes(png(mnist.train_image[index]))
        if mnist.train_label[index] < 4 and len(rows) < 6:
            rows.append(f"{index:02d}.png,{mnist.train_label[index]}")
    (target / "labels.csv").write_text("\n".join(rows) + "\n")
    return target


def labels(folder: Path) -> dict[str, str]:
    with (folder / "labels.csv").open(newline="") as file:
        return {row["path"]: row["label"] for row in csv.DictReader(file)}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_single_keys_label_and_what_is_green_is_on_the_disk(folder: Path, browser) -> None:
    with asking(folder, "--count", "12") as (process, url):
        assert "?token=" in url
        watched = watch(browser, url, viewport={"width": 900, "height": 900})
        page = watched.page
        page.wait_for_selector(".tile")
        assert "token" not in page.url
        paths = [page.locator(".tile img").nth(index).get_attribute("alt") for index in range(12)]
        for key in "01230":
            page.keyboard.press(key)
        expect(page.locator(".tile.saved")).to_have_count(5)
        found = labels(folder)
        assert [found[path] for path in paths[:5]] == list("01230")
        page.keyboard.press("Backspace")
        expect(page.locator(".tile.saving")).to_have_count(0)
        expect(page.locator(".tile.saved")).to_have_count(4)
        assert labels(folder)[paths[4]] == ""
        page.keyboard.press("9")
        assert "There is no class" in page.inner_text("#message")
        page.on("dialog", lambda dialog: dialog.accept("nine"))
        page.keyboard.press("+")
        expect(page.locator(".tile.saved")).to_have_count(5)
        assert labels(folder)[paths[4]] == "nine"
        page.keyboard.press("n")
        expect(page.locator(".tile.saved")).to_have_count(6)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        assert page.locator(".tile[aria-current=true] img").get_attribute("alt") == paths[8]
        page.click("#more")
        expect(page.locator(".tile.saved")).to_have_count(0)
        asked = [tile.get_attribute("alt") for tile in page.locator(".tile img").all()]
        assert len(asked) == 12
        assert not {path for path, label in labels(folder).items() if label} & set(asked)
        assert watched.faults == []
        page.context.close()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert out == f"6 pictures labelled in {folder / 'labels.csv'}\n"


def test_a_killed_server_loses_nothing_that_was_green(folder: Path, browser) -> None:
    with asking(folder, "--count", "20") as (process, url):
        page = watch(browser, url).page
        page.wait_for_selector(".tile")
        for number in range(20):
            page.keyboard.press(str(number % 4))
            if number == 10:
                process.kill()
        page.wait_for_selector(".tile.failed")
        time.sleep(0.3)
        green = page.locator(".tile.saved")
        shown = {
            green.nth(index).locator("img").get_attribute("alt"): green.nth(index).locator(".given").inner_text()
            for index in range(green.count())
        }
        assert "does not answer" in page.inner_text("#fault")
        page.context.close()
    found = labels(folder)
    assert {path: found[path] for path in shown} == shown
