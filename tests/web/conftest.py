"""One small model behind the application, shared by all tests of the room."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from aaecli.data.dataset import Dataset
from aaecli.errors import AaeError
from aaecli.web.app import build, open_paths
from aaecli.web.engine import Engine
from aaecli.web.examples import Examples
from aaecli.web.guard import LOOPBACK, Rules
from aaecli.web.labelling import Labelling, Row
from aaecli.web.metrics import Metrics
from aaecli.web.preparing import Preparing
from aaecli.web.service import Service, Serving
from tests.serve.pair import shared_pair
from tests.web.browser import CHROMIUM, HOW_TO_GET

OWN = "http://127.0.0.1:8000"
TOKEN = "a-token-of-22-letters"  # noqa: S105  of nothing


def png(image: NDArray[np.uint8]) -> bytes:
    """Encode an image as a client would."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Path:
    """The folder of the small pair."""
    return shared_pair(tmp_path_factory, mnist)


@pytest.fixture(scope="session")
def service(pair: Path) -> Service:
    """What serves it, not started."""
    preparing = Preparing()
    engine = Engine(pair / "encoder.onnx", "cpu", capacity=8)
    return Service(Metrics(engine), 2**20, Serving(engine, preparing, Examples()))


@pytest.fixture(scope="session")
def client(service: Service, mnist: Dataset) -> Iterator[TestClient]:
    """A client of the running application, which wants no token."""

    def load() -> tuple[NDArray[np.uint8], list[str]]:
        return mnist.train_image[-40:], [str(label) for label in mnist.train_label[-40:]]

    with TestClient(build(service, Rules(port=8000), load=load), OWN) as running:
        yield running


def rows(*paths: str) -> list[Row]:
    """Give questions about pictures of one shade each."""
    return [Row(path, np.full((4, 4), number, np.uint8), "1", 0.75) for number, path in enumerate(paths)]


@pytest.fixture
def kept() -> list[tuple[str, str]]:
    """What the page of labels has written."""
    return []


@pytest.fixture
def labelling(kept: list[tuple[str, str]]) -> Labelling:
    """Three questions, the last about a picture whose label cannot be written."""

    def keep(path: str, label: str) -> None:
        if path == "full.png":
            raise AaeError("Cannot write labels.csv: No space left on device.", "Make free space.")
        kept.append((path, label))

    return Labelling("stamps", rows("a.png", "b.png", "full.png"), ["1", "2"], keep, lambda: rows("c.png"))


@pytest.fixture
def label_client(labelling: Labelling) -> TestClient:
    """A client of the page of labels, which shows its token."""
    rules = Rules(LOOPBACK, False, TOKEN, open_paths(), 8000)
    app = build(Service(Metrics(None), 0, labelling=labelling), rules)
    return TestClient(app, OWN, headers={"Authorization": f"Bearer {TOKEN}"}, follow_redirects=False)


@pytest.fixture
def digit(mnist: Dataset) -> bytes:
    """A picture of a seven."""
    return png(mnist.test_image[0])


_PAGES = ("test_page.py", "test_label_page.py")
collect_ignore = [] if CHROMIUM else list(_PAGES)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what was left out where there is no browser."""
    if not CHROMIUM:
        terminalreporter.write_line(f"{' and '.join(_PAGES)} need a browser and were left out: {HOW_TO_GET}")
