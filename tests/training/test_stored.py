"""Training on a store: wherever its images lie, the weights are those of the data set that was packed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from aaecli.data.dataset import Dataset
from aaecli.data.loading import load_dataset
from aaecli.data.readers import store as reader
from aaecli.data.store.packing import pack_dataset
from aaecli.errors import AaeError
from aaecli.files.outputs import Outputs
from aaecli.models import stored_images
from aaecli.models.stored_images import ChosenImages, MappedImages
from aaecli.training import pseudo_label_check, sampler
from aaecli.training.resume import resume
from aaecli.training.sampler import Sampler, Shuffle, drawn, shuffled
from tests.training.test_run import Watcher, assert_same_weights, rows_without_times, small, train  # noqa: F401


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every store be read from the disk."""
    monkeypatch.setattr(reader, "MAX_BYTES", 0)
    monkeypatch.setattr(stored_images, "RESIDENT_BYTES", 0)


def store_of(folder: str, path: Path) -> str:
    pack_dataset(load_dataset(folder), path, Outputs(force=False), every_label=False)
    return str(path)


def test_a_store_gives_the_weights_of_what_was_packed(tmp_path, small, monkeypatch):  # noqa: F811
    # A check of pseudo-labels and propagation read images too.
    monkeypatch.setattr(pseudo_label_check, "_PLAIN_STEPS", 3)
    settings = {
        "labels": 16,
        "objective": {"consistency_options": {"check_step": 3}},
        "propagation": {"every": 2, "until": 6, "num_images": 20},
    }
    config = small(**settings)
    train(config, tmp_path / "arrays")
    config = dataclasses.replace(config, data=store_of(config.data, tmp_path / "store"))
    for where in ("memory", "disk"):
        if where == "disk":
            monkeypatch.setattr(reader, "MAX_BYTES", 0)
            monkeypatch.setattr(stored_images, "RESIDENT_BYTES", 0)
            assert isinstance(stored_images.stored_images(load_dataset(config.data).train_image, CPU), MappedImages)
        train(config, tmp_path / where)
        name = "semisupervised-16-001"
        one, other = tmp_path / "arrays" / "runs" / name, tmp_path / where / "runs" / name
        assert_same_weights(one / "model.pt", other / "model.pt")
        assert rows_without_times(one) == rows_without_times(other)


CPU = torch.device("cpu")


def test_a_run_on_the_disk_is_resumed_to_the_bit(tmp_path, small, mapped):  # noqa: F811
    config = small()
    config = dataclasses.replace(config, data=store_of(config.data, tmp_path / "store"))
    train(config, tmp_path / "whole")
    train(config, tmp_path / "halves", Watcher(stop_after=3))
    folder = tmp_path / "halves" / "runs" / "semisupervised-8-001"
    resume(folder, None, Watcher(), data=config.data)
    assert_same_weights(tmp_path / "whole" / "runs" / "semisupervised-8-001" / "model.pt", folder / "model.pt")


def test_a_run_is_not_resumed_on_another_store(tmp_path, small, mapped):  # noqa: F811
    config = small()
    config = dataclasses.replace(config, data=store_of(config.data, tmp_path / "store"))
    train(config, tmp_path, Watcher(stop_after=3))
    dataset = load_dataset(config.data)
    image = np.array(dataset.train_image)
    image[7, 3, 3] ^= 1
    pack_dataset(
        dataclasses.replace(dataset, train_image=image, stored=None),
        tmp_path / "other",
        Outputs(force=False),
        every_label=False,
    )
    with pytest.raises(AaeError, match="trained on other images"):
        resume(tmp_path / "runs" / "semisupervised-8-001", None, Watcher(), data=str(tmp_path / "other"))


def test_mapped_images_are_those_in_memory() -> None:
    rng = np.random.default_rng(0)
    image, others = rng.integers(0, 256, (20, 3, 2), np.uint8), rng.integers(0, 256, (5, 3, 2), np.uint8)
    resident = torch.from_numpy(np.concatenate([image, others]))
    image.flags.writeable = False
    images = MappedImages(image, CPU, others)
    index = torch.tensor([24, 0, 19, 20, 3])
    assert len(images) == 25
    assert torch.equal(images[index], resident[index])
    assert torch.equal(images[4:9], resident[4:9])
    for some in (images, resident):
        chosen = ChosenImages(some, torch.tensor([21, 2, 3]))
        assert (len(chosen), chosen.device) == (3, CPU)
        assert torch.equal(chosen[1:], resident[[2, 3]])
        assert torch.equal(chosen[torch.tensor([0])], resident[[21]])


def test_what_fits_is_brought_to_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    monkeypatch.setattr(stored_images, "RESIDENT_BYTES", 24)
    # What is in memory already is not copied.
    assert stored_images.stored_images(image, CPU).data_ptr() == torch.from_numpy(image).data_ptr()
    image.flags.writeable = False
    found = stored_images.stored_images(image, CPU)
    assert isinstance(found, torch.Tensor)
    assert found.numpy().tobytes() == image.tobytes()
    monkeypatch.setattr(stored_images, "RESIDENT_BYTES", 23)
    assert isinstance(stored_images.stored_images(image, CPU), MappedImages)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shuffle windows of three blocks of four images, from 30 images on."""
    for name, value in (("LARGE", 30), ("BLOCK", 4), ("WINDOW", 3)):
        monkeypatch.setattr(sampler, name, value)


@pytest.mark.parametrize("num", [31, 36, 48, 61, 97])
def test_a_pass_over_many_has_each_image_once(windows: None, num: int) -> None:
    index = torch.arange(1000, 1000 + num)
    one = Sampler(index, 7, 5)
    line = torch.cat([one.batch(step) for step in range(2 * num)])
    for start in range(0, 14 * num, num):
        assert sorted(line[start : start + num].tolist()) == index.tolist()
    assert not torch.equal(line[:num], line[num : 2 * num])
    # A batch is a function of the step: a resumed run needs none of those before.
    assert all(torch.equal(Sampler(index, 7, 5).batch(step), one.batch(step)) for step in (0, 3, num - 1, num))
    assert torch.equal(drawn(index, 5, 1, 11), line[num : num + 11])


def test_a_window_is_of_whole_blocks(windows: None) -> None:
    window = Shuffle(torch.arange(48), 0, 0).part(0, 12)
    blocks = torch.unique(window // 4)
    assert len(blocks) == 3
    assert not torch.equal(window, window.sort().values)


def test_blocks_are_announced_a_window_before_their_turn(windows: None) -> None:
    said: list[tuple[int, int]] = []
    one = Sampler(torch.arange(100, 161), 4, 0, lambda first, last: said.append((first, last)))
    line = one.batch(0)
    # All of the first window, of three blocks; a block of the next one for each that is through.
    assert len(said) == 3
    for step in range(1, 16):
        assert all(any(first <= image <= last for first, last in said) for image in one.batch(step).tolist())
        line = torch.cat([line, one.batch(step)])
    blocks = sorted(set(said))
    assert (blocks[0], blocks[-1]) == ((100, 103), (160, 160))
    again: list[tuple[int, int]] = []
    # A resumed run announces the window that it is in.
    Sampler(torch.arange(100, 161), 4, 0, lambda first, last: again.append((first, last))).batch(4)
    assert again == said[3:7]


def test_what_is_announced_is_only_read(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 28, 28), np.uint8)
    np.save(tmp_path / "image.npy", image)
    images = MappedImages(np.load(tmp_path / "image.npy", mmap_mode="r"), CPU)
    for first, last in ((0, 20), (100, 299), (299, 299), (300, 310)):
        images.fetch(first, last)
    MappedImages(image, CPU).fetch(0, 20)
    assert torch.equal(images[torch.arange(300)], torch.from_numpy(image))


def test_few_images_are_shuffled_as_one() -> None:
    index = torch.arange(50)
    assert torch.equal(drawn(index, 3, 2, 50), shuffled(index, 3, 2))
    assert torch.equal(Shuffle(index, 3, 2).part(40, 99), shuffled(index, 3, 2)[40:])
    assert len(drawn(index[:0], 3, 2, 5)) == len(drawn(index, 3, 2, 0)) == 0


def test_of_a_million_images_some_validate(monkeypatch: pytest.MonkeyPatch) -> None:
    from aaecli.data import split as splitting

    monkeypatch.setattr(splitting, "_MANY", 90)
    monkeypatch.setattr(splitting, "_MOST_VALIDATION", 10)
    image = np.arange(120, dtype=">u4").view(np.uint8).reshape(120, 2, 2)
    label = np.tile(np.arange(2), 60)
    arrays = Dataset("some", ("a", "b"), image, label, image[:1] ^ 255, label[:1])
    names = tuple(map(str, range(120)))
    divided = np.arange(120) >= 80
    for dataset in (
        arrays,
        dataclasses.replace(arrays, train_label=np.repeat(np.arange(2), 60)),
        dataclasses.replace(arrays, train_name=names, test_image=image[:0], test_label=label[:0]),
        dataclasses.replace(arrays, is_validation=divided),
    ):
        parts = splitting.split(dataset, 4, 0)
        assert len(parts.validation) == 10
        assert set(dataset.train_label[parts.validation]) == {0, 1}
        assert len(parts.pool) == (80 if dataset.is_validation is not None else 110)
        assert not set(parts.pool) & set(parts.validation)
