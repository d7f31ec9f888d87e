"""README and docs state what the results files have, and nothing else that looks measured."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import sys
from pathlib import Path

import pytest

from aaecli.config.resolve import resolve
from aaecli.experiments.results import fingerprint, write_results
from aaecli.training.revision import REVISION
from tests.experiments.test_results import result

ROOT = Path(__file__).parents[2]
TEXTS = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))

MEASURED = re.compile(
    r"\d\s*%|±|\d\s*(?:ms|s|sec|seconds?|min|minutes?|hours?)\b|\d\s*(?:times|×)\s+(?:as|faster|slower|quicker|the)\b"
    r"|images?\s*(?:/\s*s|a second|per second)|\d+ of \d+ (?:right|wrong)",
)
"""What a figure looks like that somebody measured."""

EXCEPTIONS = {
    "docs/deployment.md": {
        "in under 5 seconds and\n1 GiB": "a limit that tests/hostile holds",
    },
    "docs/how-it-works.md": {
        "9.55 ± 2.05 %": "the paper's figure",
        "4.10 ± 1.13 %": "the paper's figure",
    },
    "docs/results.md": {
        "The article reports 87 %": "the article's figure",
        "the paper reports 98.40 %": "the paper's figure",
    },
    "docs/serve.md": {
        "5 s for headers, 25 s for the body": "limits that tests/web holds",
    },
    "docs/training.md": {
        "accuracy, images a second": "a column of metrics.csv",
    },
    "docs/your-own-images.md": {
        "85.00%  (95 % interval 63.96% to 94.76%, 20 held-out": "what eval prints for 17 of 20, see the test",
    },
}
"""What may stand outside a figure, and why; each has to occur."""


@pytest.fixture(scope="module")
def write_docs():
    path = ROOT / "benchmarks" / "write_docs.py"
    spec = importlib.util.spec_from_file_location("write_docs", path)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


@pytest.mark.parametrize("name", TEXTS)
def test_each_figure_is_that_of_its_results_file(write_docs, name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert write_docs.filled(text) == text, "run `python benchmarks/write_docs.py`"


def loose_figures(text, exceptions):
    for known in exceptions:
        assert known in text, f"no exception is needed any more: {known}"
        text = text.replace(known, "")
    return [line.strip() for line in text.splitlines() if MEASURED.search(line)]


@pytest.mark.parametrize("name", TEXTS)
def test_no_figure_stands_outside(write_docs, name):
    text = write_docs.without_figures((ROOT / name).read_text(encoding="utf-8"))
    assert loose_figures(text, EXCEPTIONS.get(name, {})) == []


@pytest.mark.parametrize(
    "claim",
    ["It reads 97.6 % of them.", "97.6% right", "takes 11 s here", "in 3 minutes", "1.8 times as long", "2 × faster",
     "12,000 images a second", "98.2 ± 0.8", "30 of 50 right"],
)  # fmt: skip
def test_a_figure_that_somebody_typed_is_seen(write_docs, claim):
    text = f"Words.\n{claim}\n<!--=folders/digits-->98.2 ± 0.8 %<!--/-->\n"
    assert loose_figures(write_docs.without_figures(text), ()) == [claim]


@pytest.mark.parametrize(
    "claim", ["4,500 steps", "a factor of 1.1", "20 labels a class", "seeds 0–4", "28 × 28 pixels"]
)
def test_a_setting_is_no_figure(claim):
    assert loose_figures(claim, ()) == []


def test_a_figure_that_differs_is_put_right(write_docs):
    text = "<!--=folders/digits-->99.9 %<!--/-->\n<!-- results: mnist -->\nstale row\n<!-- /results -->\n"
    new = write_docs.filled(text)
    assert "<!--=folders/digits-->98.2 ± 0.8 %<!--/-->" in new
    assert "| semisupervised | default | 1000 |" in new
    assert "stale" not in new
    assert write_docs.filled(new) == new


@pytest.mark.parametrize(
    "name",
    ["folders/gone", "mnist/semisupervised/default/999", "gone/a/b/1", "mnist/semisupervised/default/1000 speed"],
)
def test_a_name_that_stands_for_nothing_is_an_error(write_docs, name):
    with pytest.raises(KeyError):
        write_docs.filled(f"<!--={name}-->1 %<!--/-->")


@pytest.fixture
def results(write_docs, tmp_path, monkeypatch):
    """Give a function that has the program read these results instead."""
    monkeypatch.setattr(write_docs, "FOLDER", tmp_path)

    def write(folder, runs):
        (tmp_path / folder).mkdir(exist_ok=True)
        write_results(tmp_path / folder, runs)
        write_docs.groups.cache_clear()

    yield write
    write_docs.groups.cache_clear()


def test_seeds_that_nobody_has_looked_at_take_the_place_of_the_others(write_docs, results):
    settings = fingerprint(resolve(preset="default"))
    old = [result(seed=seed, test_accuracy=0.99, settings=settings) for seed in (0, 1, 2)]
    fresh = [result(seed=seed, test_accuracy=0.98, settings=settings) for seed in (10, 11, 12)]
    results("mnist", old + fresh[:2])
    assert "| 0, 1, 2, 10, 11 † |" in write_docs.mnist()
    results("mnist", old + fresh)
    table = write_docs.mnist()
    assert "98.00 ± 0.00 % | 10–12 |" in table
    assert "†" not in table


def test_rows_of_earlier_training_code_are_marked(write_docs, results):
    earlier = fingerprint(resolve(preset="default"), revision=REVISION - 1)
    results("mnist", [result(seed=seed, test_accuracy=0.98, settings=earlier) for seed in (10, 11, 12)])
    assert "98.00 ± 0.00 % ‡ |" in write_docs.mnist()


def ablation_of(gains, labels=1000):
    runs = []
    for number, gain in enumerate(gains):
        seed = 10 + number
        runs.append(result(variant="no_autoencoder", seed=seed, labels=labels, test_accuracy=0.97))
        runs.append(result(variant="whole", seed=seed, labels=labels, test_accuracy=0.97 + gain / 100))
    return runs


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ((0.5, 0.6, 0.4, 0.5, 0.5), "with 1000 labels adds (+0.50 ± 0.07 points over 5 seeds"),
        ((-0.5, -0.6, -0.4, -0.5, -0.5), "with 1000 labels costs (-0.50 ± 0.07"),
        ((0.5, -0.6, 0.4, -0.3, 0.1), "with 1000 labels makes no significant difference (+0.02"),
        ((0.5, 0.6), "not measured yet"),
        ((), "not measured yet"),
    ],
)
def test_the_sentence_on_the_autoencoder_says_what_the_runs_say(write_docs, results, gains, verdict):
    results("ablation", ablation_of(gains))
    assert verdict in write_docs.ablation_sentence()


def test_the_interval_is_students(write_docs, results):
    from scipy import stats

    gains = (0.5, 0.2, 0.4, 0.3, 0.9)
    results("ablation", ablation_of(gains))
    low, high = stats.t.interval(0.95, 4, loc=sum(gains) / 5, scale=stats.sem(gains))
    assert f"{low:+.2f} to {high:+.2f}" in write_docs.ablation_sentence()


def test_the_ablation_has_a_row_a_part(write_docs, results):
    whole = ablation_of((0.1, 0.2, 0.3)) + ablation_of((0.1, 0.2, 0.3), labels=100)
    plain = [
        result(model="baseline", preset="tutorial", variant="baseline", seed=10, labels=1000, test_accuracy=0.89),
        result(
            model="baseline", preset="default", variant="baseline_augmented", seed=10, labels=100, test_accuracy=0.9
        ),
    ]
    results("ablation", whole + plain + [dataclasses.replace(run, preset="quick") for run in ablation_of((0.1,))])
    table = write_docs.ablation().splitlines()
    assert table[0] == "|  | 1000 labels | 100 labels |"
    assert len([line for line in table if line.startswith("| the")]) == 4
    assert table[2].endswith("| 89.00 % (10) | – |")
    assert table[3].endswith("| – | 90.00 % (10) |")
    assert "97.20 ± 0.10 % (10–12)" in table[5]
    assert "97.10 % (10)" in write_docs.ablation("quick")


def test_each_row_of_the_ablation_has_its_settings(write_docs):
    names = {path.stem for path in (ROOT / "benchmarks" / "ablation").glob("*.toml")}
    assert names == {name for name, _ in write_docs.PARTS}


def test_eval_prints_the_interval_that_the_guide_shows():
    from aaecli.metrics.wilson_interval import wilson_interval

    low, high = wilson_interval(17, 20)
    line = f"{17 / 20:.2%}  (95 % interval {low:.2%} to {high:.2%}, 20 held-out"
    assert line in EXCEPTIONS["docs/your-own-images.md"]
