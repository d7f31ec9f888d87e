"""``Run``: a training that was done or stopped, as its folder has it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aaecli.api.torch_state import needing
from aaecli.config.toml_file import read_toml
from aaecli.errors import AaeError
from aaecli.files.opening import is_file
from aaecli.files.outputs import Outputs
from aaecli.files.writing import check_no_links
from aaecli.runs.listing import read_metrics, read_object, read_run
from aaecli.runs.paths import EXPORTS, find_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aaecli.api.classifier import Classifier
    from aaecli.api.generator import Generator


class Run:
    """A training, read from its run folder; nothing of it is kept in memory.

    Args:
        path: The run folder.

    Attributes:
        path: The folder, from the root.

    Raises:
        AaeError: The folder is not that of a run.

    Examples:
        >>> import aaecli
        >>> aaecli.load_run("absent")
        Traceback (most recent call last):
        aaecli.errors.AaeError: absent is not the folder of a run. `aaecli runs` lists those that there are.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not is_file(Path(path) / "config.toml"):
            raise AaeError(f"{Path(path)} is not the folder of a run.", "`aaecli runs` lists those that there are.")
        self.path = Path(path).absolute()

    @property
    def state(self) -> Literal["running", "stopped", "done"]:
        """``done``; ``running`` where a training holds the folder; else ``stopped``."""
        return read_run(self.path).state

    @property
    def settings(self) -> dict[str, Any]:
        """All settings, as nested tables: what ``train(settings=)`` takes."""
        return read_toml(self.path / "config.toml")

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json holds: ``state``, ``steps``, ``test_accuracy`` in [0, 1], ``seconds``… Less of one stopped.

        Raises:
            AaeError: A file of the run is damaged.
        """
        faults: list[str] = []
        found = read_object(self.path / "environment.json", faults) | read_object(self.path / "summary.json", faults)
        if faults:
            raise AaeError(faults[0], "Copy the run folder again.")
        if found.get("state") != "done":
            now = read_run(self.path)
            found |= {"state": now.state, "steps": now.steps}
        return found

    @property
    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """The columns of metrics.csv, each (E,), a value for each look at the validation images.

        Raises:
            AaeError: There is no row yet, or the file is damaged.
        """
        return read_metrics(self.path)

    def export(
        self,
        folder: str | os.PathLike[str] = "exports",
        *,
        precision: Literal["fp32", "fp16", "int8"] = "fp32",
        max_loss: float = 0.1,
        cascade: Run | str | os.PathLike[str] | None = None,
        force: bool = False,
    ) -> dict[str, Path]:
        """Write the model as ONNX files, as ``aaecli export --onnx`` does, compared with torch first.

        Args:
            folder: Where the files go.
            precision: Data type of the weights; fp16 and int8 are compared with fp32 on images of the training set.
            max_loss: Percentage points of accuracy that fp16 and int8 may lose.
            cascade: A larger model of the same data, or its run: it classifies again the images whose largest
                probability is at most 0.95.
            force: Replace files that aaecli did not write.

        Returns:
            The files: ``encoder``, and ``decoder`` where the model draws.

        Raises:
            AaeError: The run has no model yet, there is no such precision, ``max_loss`` is not in [0, 100], a file
                cannot be written, a folder inside of the run is a link, the export differs from torch or loses more
                accuracy than allowed, or the larger model is of other data.
        """
        path, target, larger = find_model(self.path), Path(folder), None
        if cascade is not None:
            larger = find_model(cascade.path if isinstance(cascade, Run) else Path(cascade))
        if target.absolute().is_relative_to(self.path):
            # The run may be from somebody else, whose links may lead anywhere.
            check_no_links(self.path, target.absolute())
        with needing("Exporting"):
            from aaecli.export.cascade import load
            from aaecli.export.onnx import export_onnx
            from aaecli.export.reduced_precision import requested

            model, inputs = load(path, larger), [path] if larger is None else [path, larger]
            reduced = requested(precision, max_loss, model, path)
            report = export_onnx(model, target, lambda _: None, Outputs(force=force, inputs=inputs), reduced)
        return {part: Path(entry["path"]) for part, entry in report.items()}

    def classifier(self, **options: Any) -> Classifier:
        """Open the model to classify with; it is exported into the run's ``exports/`` where it is not there yet.

        Args:
            options: Those of ``Classifier``.

        Raises:
            AaeError: As ``export`` and ``Classifier``.
        """
        from aaecli.api.classifier import Classifier

        return Classifier(self._exported(), **options)

    def generator(self, **options: Any) -> Generator:
        """Open the model to draw with; the counterpart of ``classifier``.

        Raises:
            AaeError: As ``export`` and ``Generator``.
        """
        from aaecli.api.generator import Generator

        return Generator(self._exported(), **options)

    def _exported(self) -> Path:
        folder = self.path / EXPORTS
        encoder, model = folder / "encoder.onnx", find_model(self.path)
        if not is_file(encoder) or encoder.stat().st_mtime_ns < model.stat().st_mtime_ns:
            self.export(folder)
        return folder

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"


def load_run(path: str | os.PathLike[str]) -> Run:
    """Open the folder of a training, of the command line or of ``train``.

    Raises:
        AaeError: The folder is not that of a run.

    Examples:
        See ``Run``.
    """
    return Run(path)
