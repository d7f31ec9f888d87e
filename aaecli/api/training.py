"""``train`` and ``resume``: what ``aaecli train`` does, for a Python program."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aaecli.api.progress import Progress, Watcher
from aaecli.api.runs import Run
from aaecli.api.torch_state import needing, one_training_at_a_time
from aaecli.data.loading import holds_pictures, load_dataset
from aaecli.errors import AaeError
from aaecli.files.outputs import check_outside
from aaecli.models.threads import settle_waiting
from aaecli.training.checkpoint_interval import parse_checkpoint_interval
from aaecli.training.own_pictures import settle

if TYPE_CHECKING:
    from aaecli.data.dataset import Dataset

_log = logging.getLogger("aaecli")
# Without it, logging itself would write to stderr where the program has set up nothing.
_log.addHandler(logging.NullHandler())

Callback = Callable[[Progress], "bool | None"]


def train(
    data: str | os.PathLike[str] | None = None,
    *,
    labels: int | Literal["all"] | None = None,
    model: str | None = None,
    start: str | os.PathLike[str] | None = None,
    rehearse: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    seed: int | None = None,
    settings: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    augment: str | None = None,
    device: Literal["auto", "cpu", "cuda", "mps"] | None = None,
    out: str | os.PathLike[str] = "runs",
    name: str | None = None,
    save_every: str = "1m",
    progress: Callback | None = None,
) -> Run:
    """Train a model, as ``aaecli train`` does: the same settings give the same weights to the bit.

    Nothing is printed, and ``./model.pt`` is not written: ``Run`` knows where the model is. What is odd about the
    data is logged to the logger ``aaecli``. ``AAECLI_*`` variables have no effect. Trainings of several threads take
    turns; torch's random state and number of threads are put back.

    Args:
        data: A folder or file of images, as ``--data`` takes them; the embedded MNIST where None.
        labels: How many labels to learn from, shared evenly among the classes, or ``all``. None: 1000 of MNIST, all
            of one's own pictures.
        model: Row of the family: ``semisupervised`` where None; or ``baseline``, ``autoencoder``, ``aae``,
            ``supervised``, ``clustering``.
        start: The model whose weights it starts from: ``released``, a model.pt, or the folder of a run; random
            weights where None. Classes are matched by name.
        rehearse: Another data set, or ``mnist``, that half of every batch is drawn from, so that it is not forgotten.
            Classes are matched by name.
        preset: Settings to start from: ``default`` where None, with ``start`` ``fine-tune``; or ``quick``, ``best``,
            ``tutorial``, ``paper``, or the path of a file of one's own.
        seed: Seed of the label draw, the weights, the batches and the noise; 0 where None.
        settings: Nested tables of settings, or a TOML file of them, as ``--config`` takes it, such as
            ``{"schedule": {"steps": 300}}``. ``aaecli train --print-config`` lists them. Arguments go before them.
        augment: Augmentation set: ``strokes``, for handwriting; ``digits``, with the 1 of European writers;
            ``natural``, for photos; ``none``; or one of a plug-in. The preset's augmentation where None.
        device: Where to train: ``auto`` where None.
        out: Folder in which the run folder is made.
        name: Name of the run folder, before its number; model and number of labels where None.
        save_every: How often what ``resume`` needs is saved: so many steps (``500``) or so often (``90s``, ``2m``).
        progress: Called after each step. Where it returns True, the training stops and is saved, and ``resume`` goes
            on with it to the same weights. An exception of its own ends the training, and goes on to the caller.

    Returns:
        The run, done or stopped.

    Raises:
        AaeError: Something that can be put right: a setting, a file, a device, or a package that is missing.
        TypeError: ``data`` is no path.

    Examples:
        >>> import aaecli
        >>> seen = []
        >>> def watch(progress):
        ...     seen.append(progress.losses["classification"])
        ...     return progress.step == 3
        >>> tiny = {"network": {"encoder_options": {"hidden": [16]}}, "schedule": {"steps": 5, "batch_size": 16}}
        >>> run = aaecli.train(labels=100, preset="tutorial", settings=tiny, out="runs", progress=watch)
        >>> run.state, run.summary["steps"], len(seen)
        ('stopped', 3, 3)
        >>> run = aaecli.resume(run.path)
        >>> run.state, run.path.name
        ('done', 'semisupervised-100-001')
        >>> 0 <= run.summary["test_accuracy"] <= 1
        True
    """
    if name is not None and (not name or Path(name).name != name):
        raise AaeError(f"The name '{name}' is not a name.", "Give a word without slashes; `out` names the folder.")
    if not isinstance(data, str | os.PathLike | None):
        raise TypeError(
            f"data is a path, as str or Path; this is of the type {type(data).__name__}. Arrays go to "
            "`AAEClassifier.fit`, or into an .npz with `images` and `labels`, whose path goes here."
        )
    interval = parse_checkpoint_interval(save_every)
    given = {
        "data": None if data is None else os.fspath(data),
        "labels": labels,
        "model": model,
        "seed": seed,
        "device": device,
    }
    source = Path(settings) if isinstance(settings, str | os.PathLike) else settings
    flags: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if start is not None:
        flags["start"] = {"model": os.fspath(start)}
    if rehearse is not None:
        flags["rehearsal"] = {"data": os.fspath(rehearse)}
    config, dataset = settle(preset, source, flags, augment, load=load_dataset, tell=_log.info)
    if holds_pictures(config.data):
        check_outside(Path(out), Path(config.data))
    dataset = dataset or load_dataset(config.data, config.image)
    _log_notes(dataset)
    if config.labels != 0:
        dataset.require_classes()
    with needing("Training"):
        settle_waiting()
        from aaecli.training import run as training

        with one_training_at_a_time():
            summary = training.train(config, Path(out), name, None, Watcher(progress), dataset, save_every=interval)
    return Run(summary["run"])


def resume(
    path: str | os.PathLike[str] | Run,
    *,
    data: str | os.PathLike[str] | None = None,
    steps: int | None = None,
    save_every: str = "1m",
    progress: Callback | None = None,
) -> Run:
    """Go on with a training that was stopped or killed, to the same weights as if it had not been.

    Args:
        path: The run folder, or the run.
        data: Where its images are now; where this machine remembers them to be where None.
        steps: A new length, which a training at a constant learning rate may be given, done or not.
        save_every: As for ``train``.
        progress: As for ``train``.

    Returns:
        The run, done or stopped.

    Raises:
        AaeError: The folder is not that of a run, the run is done or under way, its files are damaged, or its images
            are not where they were.

    Examples:
        See ``train``.
    """
    folder = path.path if isinstance(path, Run) else Path(path)
    interval = parse_checkpoint_interval(save_every)
    moved = None if data is None else os.fspath(data)
    with needing("Training"):
        settle_waiting()
        from aaecli.training import resume as resuming

        with one_training_at_a_time():
            summary = resuming.resume(folder, None, Watcher(progress), interval, data=moved, steps=steps)
    return Run(summary["run"])


def _log_notes(dataset: Dataset) -> None:
    for remark in dataset.remarks:
        _log.info(remark)
    for note in dataset.findings.notes() if dataset.findings else ():
        _log.warning(note)
