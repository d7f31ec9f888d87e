"""Fixtures that more than one room's tests use."""

from __future__ import annotations

import dataclasses
import gc
import gzip
import os
import signal
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from numpy.typing import ArrayLike

from aaecli.config.image import Image
from aaecli.config.registries import DECODERS, ENCODERS
from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset
from aaecli.data.loading import load_dataset
from aaecli.data.readers import mnist as mnist_reader
from aaecli.data.readers.registry import Progress
from aaecli.models.threads import cpu_quota
from aaecli.terminal import console

WriteDataset = Callable[..., Path]

# The same examples each time, and as long as a busy machine takes for them. `nox -s slow` tries many more.
hypothesis.settings.register_profile("tests", deadline=None, derandomize=True, max_examples=25)
hypothesis.settings.register_profile("thorough", deadline=None, derandomize=True, max_examples=400)
hypothesis.settings.load_profile("tests")
# Each process that a test starts would else compile all that it imports, and each of pytest's all test files.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# The tests import onnxruntime themselves, some before the program does.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# A shell starts background jobs with Ctrl-C ignored, and programs that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):  # and nohup with the terminal's end ignored
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Give the number of processes of ``pytest --numprocesses auto``: what a container is limited to counts."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(processors, cpu_quota() or processors)))


def pytest_collection_finish() -> None:
    """Look for garbage more rarely, and not among the objects of modules and tests, which all stay to the end.

    Otherwise that is a fifteenth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of this run that all of its processes share, where there are several."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


def idx_bytes(values: ArrayLike) -> bytes:
    """Spell an array as the bytes of an IDX file, independently of the reader under test."""
    array = np.asarray(values, np.uint8)
    sizes = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def write_idx(folder: Path, classes: Iterable[int], count: int, size: tuple[int, int]) -> None:
    """Write a data set of noise, ``count`` training images a class and two for testing."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, repeats in (("train", count), ("t10k", 2)):
        labels = np.array([*classes] * repeats)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(rng.integers(0, 256, (len(labels), *size))))


@pytest.fixture
def write_dataset(tmp_path: Path) -> WriteDataset:
    """Give a function that writes a data set of random images and returns its folder.

    ``train`` and ``test`` are labels; the images follow from their number. ``names`` spells the four files.
    """

    def write(
        folder: str = "some",
        *,
        train: ArrayLike = (0, 1) * 12,
        test: ArrayLike = (0, 1) * 3,
        size: tuple[int, int] = (28, 28),
        compress: bool = True,
        names: str = "{part}-{kind}-idx{dims}-ubyte",
        test_part: str = "t10k",
    ) -> Path:
        target = tmp_path / folder
        target.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(0)
        for part, labels in (("train", np.asarray(train)), (test_part, np.asarray(test))):
            image = rng.integers(0, 256, (len(labels), *size), np.uint8)
            for kind, values in (("images", image), ("labels", labels)):
                name = names.format(part=part, kind=kind, dims=values.ndim)
                body = idx_bytes(values)
                if compress:
                    (target / f"{name}.gz").write_bytes(gzip.compress(body, 1))
                else:
                    (target / name).write_bytes(body)
        return target

    return write


@pytest.fixture(scope="session", autouse=True)
def mnist_unpacked_once() -> Iterator[None]:
    """Have a process unpack the embedded MNIST and look for its copies once, however many commands read it.

    That takes a second. The arrays are shared, so that nothing may write to them.
    """
    unpack, known = mnist_reader.Mnist.load, dict[object, tuple[Dataset, int]]()

    def load(self: mnist_reader.Mnist, path: Path, image: Image, progress: Progress | None = None) -> Dataset:
        key = (path, image, *mnist_reader._SHA256.values())
        if key not in known:
            dataset = unpack(self, path, image, progress)
            known[key] = dataset, zlib.crc32(dataset.train_image)
        return known[key][0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist_reader.Mnist, "load", load)
        yield
    # They are not marked so: torch warns of what is.
    assert all(zlib.crc32(dataset.train_image) == before for dataset, before in known.values()), "MNIST was written to"


@pytest.fixture(scope="session", autouse=True)
def nothing_waits_for_the_disk() -> Iterator[None]:
    """Spare the thousands of files of the tests the wait for the disk, which only a cut of the power would show."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def networks_checked_once() -> Iterator[None]:
    """See of each network once that it is small enough and keeps its contract: a fifth of a short training."""
    state = sys.modules.get("aaecli.training.state")
    if state is None:  # nothing trains
        yield
        return
    check_size, known = state.check_size, dict[tuple[object, ...], int]()

    def checked(config: Config, image_shape: tuple[int, int, int], label_dim: int) -> int:
        network = config.network
        made_by = ENCODERS[network.encoder], DECODERS[network.decoder]
        most = check_size.__globals__["MAX_NETWORK_BYTES"]
        key = (config.model, repr(network), *made_by, image_shape, label_dim, most)
        if key not in known:
            known[key] = check_size(config, image_shape, label_dim)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "check_size", checked)
        yield


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    """The embedded MNIST; its arrays are not to be written to."""
    dataset = load_dataset()
    views = {name: getattr(dataset, name).view() for name in ("train_image", "train_label", "test_image", "test_label")}
    for values in views.values():
        values.flags.writeable = False
    return dataclasses.replace(dataset, **views)


@pytest.fixture(scope="session")
def tenth_of_mnist(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first 6,000 training and 1,000 test images of MNIST.

    Of all, to find the copies, to validate and to evaluate takes longer than the trainings of the tests.
    """
    folder = tmp_path_factory.mktemp("mnist")
    for part, image, label in (
        ("train", mnist.train_image[:6000], mnist.train_label[:6000]),
        ("t10k", mnist.test_image[:1000], mnist.test_label[:1000]),
    ):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(image))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(label))
    return folder


@pytest.fixture(scope="session")
def translated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have each network be translated to ONNX once in the whole run, which takes seconds."""
    from tests.export.translations import made_once

    with made_once(shared_folder(tmp_path_factory) / "translations"):
        yield


@pytest.fixture(autouse=True)
def fresh_consoles() -> Iterator[None]:
    """Forget the consoles, which remember the terminal that they were made for."""
    yield
    console.out.cache_clear()
    console.err.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AAECLI_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_figures_after_training() -> Iterator[None]:
    """Spare the many short trainings the second that their figures take, those of fixtures that files share too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AAECLI_FIGURES", "0")
        yield


@pytest.fixture
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, as a newcomer does, with no setting in the environment."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("AAECLI_DATA", raising=False)
    return folder


@pytest.fixture
def small_config():
    """Give a function that shrinks a preset: ``small_config("default", model="baseline", seed=1)``."""

    def make(preset: str = "default", **flags):
        from tests.small_models import shrunk

        return shrunk(preset, **flags)

    return make
