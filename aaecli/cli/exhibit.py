"""A run whose figures are drawn: its model and its images are loaded when a figure first needs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aaecli.config.models import FAMILY, Model
from aaecli.errors import AaeError
from aaecli.files.opening import is_file
from aaecli.suggestions import suggest_aaecli
from aaecli.text import for_terminal

if TYPE_CHECKING:
    from aaecli.evaluation.analysis import Analysis


@dataclass
class Exhibit:
    """A run whose figures are drawn.

    Attributes:
        folder: The run folder.
        metrics: What was measured for the figures drawn so far, by figure.
        data: Folder of the images that it was trained on; where None, where this machine remembers them to be.
    """

    folder: Path
    metrics: dict[str, dict[str, Any]]
    data: str | None = None

    @cached_property
    def analysis(self) -> Analysis:
        """The run's model, loaded when a figure first needs it."""
        from aaecli.checkpoint.file import load_model
        from aaecli.data.loading import load_dataset
        from aaecli.evaluation.analysis import Analysis
        from aaecli.runs.paths import NEWEST_MODEL, STATE
        from aaecli.terminal.console import say

        # Of a training that has not ended, last.pt has the weights that it would use if it ended here.
        path = next((path for name in (NEWEST_MODEL.name, STATE) if is_file(path := self.folder / name)), None)
        if path is None:
            raise AaeError(
                f"{self.folder} has no model yet: its training is not done.",
                f"{suggest_aaecli('plot', 'curves', self.folder)} plots it so far; "
                f"{suggest_aaecli('train', '--resume', self.folder)} continues it.",
            )
        model = load_model(path)
        if model.unfinished:
            say(f"{path} is of a run that has not ended: {model.unfinished}.")
        return Analysis.of(model, load_dataset(model.data_folder(self.data, path), model.config.image))

    @property
    def traits(self) -> Model:
        """What the run's model consists of."""
        return traits_of(self.folder)

    @property
    def title(self) -> str:
        """What stands above figures of the run."""
        return for_terminal(self.folder.absolute().name, 60)


def traits_of(folder: Path) -> Model:
    """Say what the model of a run consists of; the model itself is not loaded.

    Raises:
        AaeError: Its settings cannot be read, or name no model.
    """
    from aaecli.runs.listing import read_run

    model = read_run(folder).model
    if model not in FAMILY:
        raise AaeError(f"{folder / 'config.toml'} names no model of this program.", "Train again, or copy it again.")
    return FAMILY[model]
