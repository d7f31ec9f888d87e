"""``aaecli eval --folds``: cross-validation with its progress."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aaecli.cli.list_and_sheet import MOST_ON_SHEET, claim_list_and_sheet, describe_sheet
from aaecli.terminal import console
from aaecli.text import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import SupportsFloat

    from aaecli.data.dataset import Dataset
    from aaecli.experiments.cross_validation import LeftOut
    from aaecli.files.outputs import Outputs

_MOST_SUSPECTED = 1 / 3
"""Fraction of the labels beyond which the model is to blame, and not those who gave them."""


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
        review: Where a list of the labels that are probably wrong is written, if anywhere, with a sheet beside it.

    Returns:
        What ``aaecli.metrics.report.evaluate`` gives of all left-out images together, and ``folds``: the
        accuracy of each.
    """
    from aaecli.checkpoint.file import load_model
    from aaecli.cli.loading import load
    from aaecli.experiments.cross_validation import cross_validate, cross_validation_report
    from aaecli.files.outputs import Outputs

    model = load_model(path)
    config = model.config
    folder = model.data_folder(data, path)
    outputs = Outputs(inputs=[Path(folder)] if folder else [])
    if review is not None:
        # Before the trainings, which take long.
        claim_list_and_sheet(outputs, review, "labels")
    dataset = load(folder, config.image, notes=False)
    console.say(
        f"Training {folds} times on {dataset.name}, as {path} was trained, each time without a part of the labels."
    )
    with console.status("Cross-validation") as tell:

        def watch(number: int, num_steps: int) -> _Watcher:
            if not console.err().is_terminal:
                console.say(f"fold {number + 1} of {folds}: {number_of(num_steps, 'step')}")
            return _Watcher(tell, f"fold {number + 1} of {folds}", num_steps)

        left_out = cross_validate(config, dataset, folds, watch)
    report = cross_validation_report(left_out, dataset.classes)
    if review is not None:
        report["num_suspected"] = _write_review(outputs, review, dataset, left_out)
        if report["num_suspected"]:
            say_what_next(folder, review)
    return {"model": str(path), "dataset": dataset.name, "images": "folds"} | report | {"reconstruction_error": None}


def say_what_next(folder: str, review: Path) -> None:
    """Say how labels of a folder of pictures, or of what a store was packed from, are corrected."""
    from aaecli.data.loading import holds_pictures
    from aaecli.data.store.manifest import holds_store, suggest_packing_again
    from aaecli.files.opening import is_file
    from aaecli.suggestions import suggest_aaecli

    if is_file(Path(folder) / "labels.csv"):
        again = suggest_aaecli("label", Path(folder), "--answers", review)
        console.say(f"Fill in the right class in the column 'label'; then {again}.")
    elif holds_store(Path(folder)):
        again = suggest_packing_again(Path(folder))
        console.say(f"Correct the labels of the data set that the store was packed from, and pack it again: {again}.")
    elif holds_pictures(folder):
        console.say("Move a picture that is labelled wrongly into the folder of its class.")


def _write_review(outputs: Outputs, review: Path, dataset: Dataset, left_out: LeftOut) -> int:
    """Write the list of the labels that are probably wrong, and a sheet of their images; gives their number."""
    from aaecli.data.inspection.contact_sheet import encode_contact_sheet
    from aaecli.labelling.question_list import encode_review

    indices, rows = _suspected(dataset, left_out)
    outputs.write(review, encode_review(rows))
    shows = ""
    if rows:
        outputs.write(review.with_suffix(".png"), encode_contact_sheet(dataset.train_image[indices]))
        shows = f"; {describe_sheet(review, len(rows))}"
    console.say(f"{review} lists {number_of(len(rows), 'label')}, probably wrong, the most suspicious first{shows}.")
    share = len(rows) / len(left_out.label)
    if share > _MOST_SUSPECTED:
        console.say(
            f"warning: that is {share:.0%} of all labels. A model that has hardly learnt the classes suspects most of "
            "them: see its accuracy."
        )
    return len(rows)


def _suspected(dataset: Dataset, left_out: LeftOut) -> tuple[list[int], list[tuple[str, str, str, float]]]:
    """Find the labels that are probably wrong, the most suspicious first.

    Returns:
        Places of the first images among the training images, as many as a sheet shows; and of each label the name of
        its image, the class that it probably is, its own class, and the probability of the former.
    """
    from aaecli.metrics.label_errors import probable_errors

    positions, guesses = probable_errors(left_out.label_prob, left_out.label)
    indices = left_out.image_index[positions].tolist()
    names = [dataset.train_name[index] if dataset.is_collection else str(index) for index in indices]
    rows = [
        (name, dataset.classes[guess], dataset.classes[left_out.label[position]], float(prob))
        for name, position, guess, prob in zip(
            names, positions, guesses, left_out.label_prob[positions, guesses], strict=True
        )
    ]
    return indices[:MOST_ON_SHEET], rows
