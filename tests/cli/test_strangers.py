"""Somebody else's encoder, decoder, prior, loss term and augmentation: a file each, as docs/plug-ins.md has them."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aaecli import plugins
from aaecli.cli import main
from aaecli.config.registries import LOSS_TERMS
from tests.cli.conftest import Run
from tests.docs.pages import ROOT, blocks

pytestmark = pytest.mark.usefixtures("translated_once")

SMALL = """
preset = "default"
labels = 8
data = "data"
device = "cpu"
{before}
[network]
discriminator_hidden = [8]
{network}
[schedule]
steps = 3
batch_size = 10
labelled_batch_size = 4
[propagation]
every = 0
"""
POINTS = ["encoder", "decoder", "style prior", "loss term", "augmentation"]
QUICK = ("encoder", "style prior")
"""The one is torch's alone, the other is drawn from without torch too. An installed package's loss term is below."""


def example(point: str) -> tuple[str, str]:
    """Give the file and the settings that the page shows under the heading of a plug-in point."""
    page = (ROOT / "docs/plug-ins.md").read_text(encoding="utf-8")
    start = page.index(f"## {'An' if point[0] in 'ae' else 'A'} {point}\n")
    line = page.count("\n", 0, start)
    after = [block for block in blocks("docs/plug-ins.md") if block.line > line]
    code, settings = after[:2]
    assert (code.language, settings.language) == ("python", "toml")
    return code.text, settings.text


@pytest.fixture
def forget() -> Iterator[Callable[[], None]]:
    """Give a function that forgets what a test has registered, as another process would know nothing of it."""
    entries = [(registry, dict(registry._entries)) for registry in plugins._registries]
    loaded = set(plugins._loaded)

    def forget_all() -> None:
        for registry, before in entries:
            # What is packaged is registered once, when its module is imported.
            packaged = {name: entry for name, entry in registry._entries.items() if name in registry.packaged}
            registry._entries = before | packaged
        plugins._loaded.clear()
        plugins._loaded.update(loaded)

    yield forget_all
    forget_all()


@pytest.fixture
def here(in_empty_folder: Path, write_dataset: object) -> Path:
    write_dataset("here/data", train=tuple(range(4)) * 9, test=tuple(range(4)) * 2)
    Image.fromarray(np.full((28, 28), 90, np.uint8)).save(in_empty_folder / "digit.png")
    return in_empty_folder


def write_settings(path: Path, settings: str) -> None:
    """Write small settings and those of an example, whose [network] is put together with that of the small ones."""
    network = re.search(r"^\[network\]\n((?:\w.*\n)*)", settings, re.MULTILINE)
    others = settings.replace(network[0], "") if network else settings
    path.write_text(SMALL.format(before="", network=network[1] if network else "") + others)


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize(
    "point", [pytest.param(point, marks=() if point in QUICK else pytest.mark.slow) for point in POINTS]
)
def test_one_file_trains_exports_evaluates_and_classifies(aaecli: Run, here: Path, point: str) -> None:
    code, settings = example(point)
    (here / "mine.py").write_text(code)
    write_settings(here / "mine.toml", settings)
    plug_in = ("--plugin", "mine.py")

    printed = aaecli(*plug_in, "train", "--config", "mine.toml", "--print-config")
    assert printed.code == 0, printed.err
    for line in settings.splitlines():
        assert line in printed.out.splitlines()
    trained = aaecli(*plug_in, "train", "--config", "mine.toml", "--quiet")
    assert trained.code == 0, trained.err
    with (here / "runs/semisupervised-8-001/metrics.csv").open(newline="") as file:
        (row, *_) = csv.DictReader(file)
    assert float(row["reconstruction"]) > 0
    if point == "augmentation":
        named = aaecli(*plug_in, "train", "--config", "mine.toml", "--augment", "negatives", "--print-config")
        assert {"invert = 0.5", "rotation = 12.0"} <= set(named.out.splitlines())
        refused = aaecli(*plug_in, "train", "--augment", "negative", "--print-config")
        assert "no augmentation set 'negative'" in refused.err
        assert "Did you mean 'negatives'?" in refused.err
    if point == "loss term":
        assert float(row["sparsity"]) > 0
        assert list(row).index("sparsity") > list(row).index("generation")
    evaluated = aaecli(*plug_in, "eval", "model.pt", "--json")
    assert json.loads(evaluated.out)["num_images"] == 8
    assert aaecli(*plug_in, "export", "--quiet").code == 0
    classified = aaecli("classify", "digit.png", "--json")
    assert classified.code == 0, classified.err
    assert aaecli(*plug_in, "generate", "--out", "some.png", "--quiet").code == 0


def test_a_model_of_a_plug_in_that_is_not_loaded_says_how_to_load_it(
    aaecli: Run, here: Path, forget: Callable[[], None]
) -> None:
    code, settings = example("encoder")
    (here / "mine.py").write_text(code)
    write_settings(here / "mine.toml", settings)
    assert aaecli("--plugin", "mine.py", "train", "--config", "mine.toml", "--quiet").code == 0
    forget()
    done = aaecli("eval", "model.pt")
    assert done.code == 1
    assert "needs the encoder 'patches' of a plug-in that is not loaded" in " ".join(done.err.split())
    assert "aaecli --plugin FILE.py" in " ".join(done.err.split())


@pytest.mark.usefixtures("forget")
def test_an_installed_package_adds_a_loss_term_by_an_entry_point(
    aaecli: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, settings = example("loss term")
    site = here / "site"
    info = site / "strange_terms-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "strange_terms.py").write_text(code)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-terms\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[aaecli.loss_terms]\nsparsity = strange_terms\n")
    write_settings(here / "mine.toml", settings)
    # As a process finds it that starts when the package is installed.
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(LOSS_TERMS, "_points", None)
    done = aaecli("train", "--config", "mine.toml")
    monkeypatch.delitem(sys.modules, "strange_terms")
    assert done.code == 0, done.err
    header = (here / "runs/semisupervised-8-001/metrics.csv").read_text().splitlines()[0]
    assert "sparsity" in header.split(",")


def test_contributing_shows_the_same_encoder() -> None:
    (shown,) = [block.text for block in blocks("CONTRIBUTING.md") if block.language == "python"]
    assert shown == example("encoder")[0]


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("class Term(LossTerm):\n    '''A term.'''", "it has no '__call__'"),
        ("class Term(LossTerm):\n    default_weight = -1\n    __call__ = print", "default_weight"),
        ("class Term:\n    '''A term.'''", "derive it from aaecli.training.terms.term.LossTerm"),
    ],
)
def test_a_term_that_breaks_its_contract_is_named(here: Path, text: str, reason: str, capsys: object) -> None:
    head = "from aaecli.config.registries import LOSS_TERMS\nfrom aaecli.training.terms.term import LossTerm\n"
    (here / "mine.py").write_text(f"{head}@LOSS_TERMS.register('mine')\n{text}\n")
    with pytest.raises(SystemExit) as left:
        main(["--plugin", "mine.py", "train", "--print-config"])
    assert left.value.code == 1
    assert reason in " ".join(capsys.readouterr().err.split())
    assert "mine" not in LOSS_TERMS
