"""``aaecli eval --folds``: cross-validation with its progress."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aaecli.terminal import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import SupportsFloat

    from aaecli.data.dataset import Dataset
    from aaecli.experiments.cross_validation import LeftOut


class _Watcher:
    """Tells how far the training of one fold is."""

    def __init__(self, tell: Callable[[str], None], prefix: str, num_steps: int) -> None:
        self._tell = tell
        self._prefix = prefix
        self._num_steps = num_steps

    def step(self, number: int, losses: Mapping[str, SupportsFloat]) -> None:
        self._tell(f"{self._prefix}, step {number:,} of {self._num_steps:,}")

    def pause(self, reason: str) -> None:
        self._tell(f"{self._prefix}, {reason}")

    def epoch(self, row: dict[str, float]) -> None:
        pass

    def stopping(self) -> bool:
        return False


def cross_validated(path: Path, data: str | None, folds: int, review: Path | None = None) -> dict[str, Any]:
    """Train again as the model of a checkpoint was trained, ``folds`` times, and evaluate on what was left out.

    Args:
        path: The checkpoint.
        data: Its data set, where it is not where this machine remembers it.
        folds: How often.
        review: Where a list of the labels that are probably wrong is written, if anywhere.

    Returns:
        What ``aaecli.metrics.report.evaluate`` gives of all left-out images together, and ``folds``: the
        accuracy of each.
    """
    from aaecli.checkpoint.file import load_model
    from aaecli.cli.loading import load
    from aaecli.experiments.cross_validation import cross_validate, cross_validation_report
    from aaecli.files.opening import is_file
    from aaecli.files.outputs import Outputs
    from aaecli.labelling.question_list import encode_review
    from aaecli.suggestions import suggest_aaecli

    model = load_model(path)
    config = model.config
    folder = model.data_folder(data, path)
    outputs = Outputs(inputs=[Path(folder)] if folder else [])
    if review is not None:
        # Before the trainings, which take long.
        outputs.claim(review)
    dataset = load(folder, config.image, notes=False)
    console.say(
        f"Training {folds} times on {dataset.name}, as {path} was trained, each time without a part of the labels."
    )
    with console.status("Cross-validation") as tell:

        def watch(number: int, num_steps: int) -> _Watcher:
            if not console.err().is_terminal:
                console.say(f"fold {number + 1} of {folds}: {num_steps:,} steps")
            return _Watcher(tell, f"fold {number + 1} of {folds}", num_steps)

        left_out = cross_validate(config, dataset, folds, watch)
    report = cross_validation_report(left_out, dataset.classes)
    if review is not None:
        rows = list(_suspected(dataset, left_out))
        outputs.write(review, encode_review(rows))
        report["num_suspected"] = len(rows)
        console.say(f"{review} lists {len(rows):,} labels that are probably wrong, the most suspicious first.")
        if rows and is_file(Path(folder) / "labels.csv"):
            again = suggest_aaecli("label", Path(folder), "--answers", review)
            console.say(f"Fill in the right class in the column 'label'; then {again}.")
        elif rows and dataset.is_collection:
            console.say("Move a picture that is labelled wrongly into the folder of its class.")
    return {"model": str(path), "dataset": dataset.name, "images": "folds"} | report | {"reconstruction_error": None}


def _suspected(dataset: Dataset, left_out: LeftOut) -> Iterator[tuple[str, str, str, float]]:
    """Give each label that is probably wrong: name of the image, class that it probably is, label, probability."""
    from aaecli.metrics.label_errors import probable_errors

    for position, guess in zip(*probable_errors(left_out.label_prob, left_out.label), strict=True):
        index = int(left_out.image_index[position])
        name = dataset.train_name[index] if dataset.is_collection else str(index)
        label = dataset.classes[left_out.label[position]]
        yield name, dataset.classes[guess], label, float(left_out.label_prob[position, guess])
