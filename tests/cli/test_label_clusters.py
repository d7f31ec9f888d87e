"""Labelling by clusters: names for clusters, in the terminal and by a list, become labels of the sure pictures."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from aaecli.checkpoint.file import Checkpoint, load_model, save_model
from aaecli.cli.label_clusters import Naming
from aaecli.data.loading import load_dataset
from aaecli.labelling.clusters import Clustering
from aaecli.metrics.clusters import unnamed
from aaecli.models.batch import to_float
from aaecli.models.networks import Networks
from aaecli.training import run as training
from tests.cli.conftest import Run
from tests.data.drawings import drawing, write_pictures
from tests.small_models import shrunk

KINDS = ("bar", "ring", "cross")


@pytest.fixture
def shapes(in_empty_folder: Path) -> Path:
    """Write thirty pictures without a label, ten of each kind."""
    return write_pictures(Path("shapes"), {f"{KINDS[n % 3]}{n}.png": drawing(n % 3, n) for n in range(30)})


@pytest.fixture
def model(shapes: Path) -> Path:
    """Write a model with a cluster for each kind and one for nothing; it is unsure of the last picture of each kind."""
    torch.manual_seed(0)
    config = shrunk("default", model="clustering", clusters=4, data=str(shapes))
    dataset = load_dataset(shapes)
    networks = Networks("clustering", (1, 28, 28), 4, config.network).eval().requires_grad_(False)
    kind = [KINDS.index(Path(name).stem.rstrip("0123456789")) for name in dataset.train_name]
    wanted = torch.full((30, 4), -10.0)
    wanted[torch.arange(30), torch.tensor(kind)] = 0.0
    for rows in np.split(np.argsort(kind, kind="stable"), 3):
        wanted[rows[-1]] *= 0.02
    head = networks.encoder.label_head
    feature = networks.encoder.body.features(to_float(torch.from_numpy(dataset.train_image))).double()
    weight = torch.linalg.lstsq(torch.cat([feature, torch.ones(30, 1)], 1), wanted.double(), driver="gelsd").solution
    head.weight.copy_(weight[:-1].T)
    head.bias.copy_(weight[-1])
    classes, clusters = unnamed(4)
    path = Path("clusters.pt")
    save_model(
        path, Checkpoint(config, classes, (1, 28, 28), networks.encoder, networks.decoder, {"steps": 6}, clusters)
    )
    return path


def labels() -> dict[str, str]:
    with Path("shapes/labels.csv").open(newline="") as file:
        return {row["path"]: row["label"] for row in csv.DictReader(file) if row["label"]}


def members(kind: str) -> set[str]:
    """Give the pictures of a kind that the model is sure of."""
    return set(sorted(path.name for path in Path("shapes").glob(f"{kind}*.png"))[:-1])


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_each_cluster_is_named_once(aaecli: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("shapes/labels.csv").write_text("path,label\nbar0.png,stick\nring1.png,ring\n")
    # The name is given, taken back and given anew; one cluster is skipped, one mixed.
    typed(monkeypatch, "cross", "cross", "<", "cross", "mixed", "-")
    done = aaecli("label", "shapes", "--clusters", 4, "--model", model)
    assert done.code == 0, done.err
    assert "1 of 3: cluster 3: 10 pictures" in done.err
    # Of two kinds one picture is labelled already, which tells what the cluster may be.
    assert "class [stick, 100%]:" in done.err
    found = labels()
    assert found == {"bar0.png": "stick", "ring1.png": "ring"} | dict.fromkeys(members("cross"), "cross")
    assert "9 of 28 pictures labelled in shapes/labels.csv, by the names of 1 cluster\n" in done.out
    assert "To name others, or all anew: `aaecli label shapes --clusters 4 --model clusters.pt`" in done.err

    # What is labelled is asked about no more, and Enter takes the guess.
    typed(monkeypatch, "", "")
    done = aaecli("label", "shapes", "--clusters", 4, "--model", model)
    assert (done.code, len(labels())) == (0, 27)
    assert {name for name, label in labels().items() if label == "stick"} == members("bar") | {"bar0.png"}


def test_a_list_of_clusters(aaecli: Run, model: Path) -> None:
    done = aaecli("label", "shapes", "--clusters", 4, "--model", model, "--out", "ask.csv")
    assert (done.code, done.out.split()) == (0, ["ask.csv", "ask.png"])
    again = done.err.rpartition("then: `aaecli ")[2].rstrip("`\n").split()
    assert again == ["label", "shapes", "--clusters", "4", "--model", "clusters.pt", "--names", "ask.csv"]
    with Image.open("ask.png") as sheet:
        assert sheet.size == (4 * 121 + 6, 115 + 14 + 6 + 6)
    rows = list(csv.DictReader(io.StringIO(Path("ask.csv").read_text())))
    assert [list(row.values()) for row in rows] == [[str(number), "", "", "10"] for number in (1, 2, 3)]
    assert not Path("shapes/labels.csv").exists()

    Path("ask.csv").write_text("cluster;label;guess\n1;rod;\n3;mixed;\n2;;\n")
    done = aaecli(*again)
    assert done.code == 0, done.err
    assert labels() == dict.fromkeys(members("bar"), "rod")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no columns 'cluster' and 'label'"),
        ("number,label\n1,bar\n", "no columns 'cluster' and 'label'"),
        ("cluster,label\n1,\n2,mixed\n", "no name in its column 'label'"),
        ("cluster,label\n9,bar\n", "names.csv names a cluster '9', and the numbers are 1 to 4"),
        ("cluster,label\n1,bar\n1,ring\n", "names.csv names cluster 1 twice"),
        ("cluster,label\n1,Bar\n2,bar\n", "look alike: Bar, bar"),
        ('cluster,label\n1,"b\x1b[2Jar"\n', "more than one line of text"),
        ("cluster,label\n1\n", "no name in its column 'label'"),
        ('cluster,label\n"1', "no name in its column 'label'"),
        ("cluster,label\n1," + "x" * 200_000, "names.csv is not a CSV file"),
        ("cluster,label\n" + "1,bar\n" * 400_000, "names.csv is larger than"),
    ],
)
def test_a_list_that_is_wrong_labels_nothing(aaecli: Run, model: Path, text: str, said: str) -> None:
    Path("names.csv").write_text(text)
    done = aaecli("label", "shapes", "--clusters", 4, "--model", model, "--names", "names.csv")
    assert done.code == 1
    assert said in done.err
    assert not Path("shapes/labels.csv").exists()


def test_the_page_asks_the_same(aaecli: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(folder, rows, choose, known, keep, port):  # type: ignore[no-untyped-def]
        assert [title.partition(":")[0] for title, *_ in rows] == ["cluster 1", "cluster 2", "cluster 3"]
        assert [image.shape for _, image, *_ in choose()] == [(115, 115)] * 3
        assert (known, port) == (["oak", "mixed"], 0)
        keep(rows[1][0], "oak")

    monkeypatch.setattr("aaecli.cli.label_web.ask_on_page", answer)
    done = aaecli("label", "shapes", "--clusters", 4, "--model", model, "--web", "--classes", "oak")
    assert done.code == 0, done.err
    assert labels() == dict.fromkeys(members("ring"), "oak")


def test_a_name_is_a_class_that_there_is_or_a_new_one(aaecli: Run, model: Path) -> None:
    Path("shapes/labels.csv").write_text("path,label\nbar0.png,bar\n")
    Path("names.csv").write_text("cluster,label\n1,baar\n")
    words = ("label", "shapes", "--clusters", 4, "--model", model, "--names", "names.csv")
    assert "Did you mean 'bar'?" in aaecli(*words).err
    assert aaecli(*words, "--classes", "baar").code == 0
    assert labels()["bar0.png"] == "bar"
    assert len(labels()) == 10 - 1


def test_a_label_that_a_person_gives_meanwhile_stays(shapes: Path) -> None:
    dataset = load_dataset(shapes)
    prob = np.array([[1, 0]] * 4 + [[0.5, 0.5]] * 2, np.float32)
    naming = Naming(shapes, dataset, Clustering(np.arange(6), prob, []))
    naming.keep({1: "bar"})
    path = dataset.train_name[2]
    Path("shapes/labels.csv").write_text(Path("shapes/labels.csv").read_text().replace(f"{path},bar", f"{path},oak"))
    naming.keep({1: "ring"})
    assert labels() == dict.fromkeys(dataset.train_name[:4], "ring") | {path: "oak"}
    # What is between two clusters of one name is surely of that name.
    naming.keep({2: "ring"})
    assert labels() == dict.fromkeys(dataset.train_name[:6], "ring") | {path: "oak"}
    naming.keep({2: "mixed"})
    assert len(labels()) == len(naming.given) + 1 == 4
    naming.keep({1: ""})
    assert labels() == {path: "oak"}


def test_clusters_are_found_where_there_is_no_model(aaecli: Run, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("shapes/labels.csv").write_text("path,label\nbar0.png,bar\n")
    train, small = training.train, shrunk("default", model="clustering", clusters=3)
    seen = []

    def shortened(config, *words, **more):  # type: ignore[no-untyped-def]
        seen.append(config)
        return train(dataclasses.replace(config, network=small.network, schedule=small.schedule), *words, **more)

    monkeypatch.setattr(training, "train", shortened)
    done = aaecli("label", "shapes", "--clusters", 3, "--out", "ask.csv")
    assert done.code == 0, done.err
    assert (seen[0].model, seen[0].clusters, seen[0].labels) == ("clustering", 3, 0)
    path = Path("runs/clustering-3-001/model.pt")
    assert load_model(path).classes == ("cluster 1", "cluster 2", "cluster 3")
    assert not Path("model.pt").exists()
    # The same model is taken the next time; another seed is another model.
    assert aaecli("label", "shapes", "--clusters", 3, "--out", "ask.csv", "--force").code == 0
    assert len(seen) == 1
    assert aaecli("label", "shapes", "--clusters", 3, "--out", "ask.csv", "--force", "--seed", 1).code == 0
    assert len(seen) == 2


@pytest.mark.parametrize(("labels", "later"), [("", "`aaecli train --resume runs/clustering-3-001` finishes it"),
                                              ("bar0.png,bar\n", "The same command begins anew")])  # fmt: skip
def test_a_training_that_is_stopped_labels_nothing(
    aaecli: Run, shapes: Path, monkeypatch: pytest.MonkeyPatch, labels: str, later: str
) -> None:
    if labels:
        Path("shapes/labels.csv").write_text(f"path,label\n{labels}")
    stopped = {"state": "stopped", "run": "runs/clustering-3-001"}
    monkeypatch.setattr(training, "train", lambda *words, **more: stopped)
    done = aaecli("label", "shapes", "--clusters", 3, "--out", "ask.csv")
    assert (done.code, done.out) == (130, "")
    assert later in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--names", "a.csv"), "add --clusters"),
        (("--clusters", 4, "--count", 9), "--count is about single pictures"),
        (("--clusters", 4, "--rule", "random"), "--rule is about single pictures"),
        (("--clusters", 4, "--answers", "a.csv"), "--answers is about single pictures"),
        (("--clusters", 4, "--names", "a.csv", "--out", "b.csv"), "Choose one of --names and --out"),
        (("--clusters", 4, "--names", "a.csv", "--web"), "it does not go with --names"),
    ],
)
def test_options_that_do_not_go_together(aaecli: Run, shapes: Path, words: tuple[object, ...], said: str) -> None:
    done = aaecli("label", "shapes", *words)
    assert done.code == 2
    assert said in " ".join(done.err.split())


def test_only_a_model_of_as_many_clusters_will_do(aaecli: Run, model: Path) -> None:
    done = aaecli("label", "shapes", "--clusters", 5, "--model", model)
    assert "clusters.pt has 4 clusters, and --clusters asks for 5" in done.err
    assert "there is none" in aaecli("label", "shapes", "--clusters", 4, "--names", "names.csv").err
