"""The figures that there are, each from a run folder and its model: what ``plot`` and ``train`` draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aaecli.cli.exhibit import Exhibit, traits_of
from aaecli.config.models import FAMILY, Model
from aaecli.errors import AaeError
from aaecli.suggestions import suggest_aaecli
from aaecli.text import for_terminal

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_MAP_POINTS = 3000
_AFTER_TRAINING = ("curves", "samples", "reconstructions")


@dataclass(frozen=True)
class Work:
    """A figure that can be drawn of a run.

    Attributes:
        caption: What is to be seen in it.
        draw: Draws it.
        needs: Tells whether a model has what it shows; the figure is left out of ``all`` otherwise.
        lacks: What such a model lacks, as in "has no decoder".
    """

    caption: str
    draw: Callable[[Exhibit], Figure]
    needs: Callable[[Model], bool] = lambda traits: True
    lacks: str = ""


def suited(folder: Path) -> Iterator[str]:
    """Name the figures that the model of a run has something to show in."""
    traits = traits_of(folder)
    return (name for name, work in GALLERY.items() if work.needs(traits))


def draw(name: str, exhibit: Exhibit) -> Figure:
    """Draw one figure.

    Raises:
        AaeError: The model of the run has nothing to show in it, or its files are missing or damaged.
    """
    work = GALLERY[name]
    if not work.needs(exhibit.traits):
        others = ", ".join(suited(exhibit.folder))
        raise AaeError(f"{exhibit.folder} has nothing to plot as {name}: its model {work.lacks}.", f"It has: {others}.")
    return work.draw(exhibit)


def draw_after_training(folder: Path, data: str | None, *, quiet: bool) -> None:
    """Draw the figures that cost little into a run that is done.

    The model is saved by then: a full disk, a file in the way or a broken matplotlib is told in a line, and does not
    make the training a failure.

    Args:
        folder: The run folder.
        data: Folder of the images, where the user named it: a home that cannot be written remembers nothing.
        quiet: Report failures alone.
    """
    from aaecli.terminal import console

    target = folder / "figures"
    try:
        from aaecli.cli.training_outcome import data_words
        from aaecli.figures.style import encode
        from aaecli.files.outputs import Outputs

        outputs = Outputs(force=True)
        with console.status("Drawing figures", quiet=quiet):
            exhibit, has = Exhibit(folder, {}, data), set(suited(folder))
            for name in _AFTER_TRAINING:
                if name in has:
                    path = outputs.claim(target / f"{name}.png", within=folder)
                    outputs.write(path, encode(draw(name, exhibit)))
    except (AaeError, OSError, ImportError, MemoryError) as error:
        console.say(f"warning: the figures were not drawn: {error or type(error).__name__}")
    else:
        if not quiet:
            console.say(
                f"Figures in {target}; all of them: {suggest_aaecli('plot', 'all', folder, *data_words(folder, data))}"
            )


def _curves(exhibit: Exhibit) -> Figure:
    from aaecli.figures.curves import training_figure
    from aaecli.runs.listing import read_metrics
    from aaecli.training.terms.acting import panels

    return training_figure(read_metrics(exhibit.folder), exhibit.title, panels())


def _distributions(exhibit: Exhibit) -> Figure:
    from aaecli.evaluation.distributions import distribution_metrics
    from aaecli.figures.codes import distribution_figure

    analysis, metrics = exhibit.analysis, distribution_metrics(exhibit.analysis)
    exhibit.metrics["distributions"] = metrics
    said = []
    if "style_energy_distance" in metrics:
        said.append(
            f"z: energy distance to the prior {metrics['style_energy_distance']:.4f} "
            f"(between two samples of it: {metrics['prior_energy_distance']:.4f} at most)"
        )
    if "label_total_variation" in metrics:
        said.append(f"y: total variation distance to the prior {metrics['label_total_variation']:.3f}")
    title = "\n".join([exhibit.title, *said])
    prediction, count = analysis.prediction, len(analysis.label)
    names = analysis.model.label_names
    drawn, frequency = analysis.prior(count), analysis.model.label_frequency
    return distribution_figure(prediction.label_prob, names, prediction.style, drawn, title, frequency)


def _reconstructions(exhibit: Exhibit) -> Figure:
    from aaecli.evaluation.analysis import NothingToShowError
    from aaecli.figures.images import reconstruction_figure

    analysis = exhibit.analysis
    if not len(analysis.pixels):
        raise NothingToShowError(
            "No picture was held out from training, so there is none to reconstruct.",
            "Put a few into a folder test/ beside the others, with a sub-folder for each class.",
        )
    drawn = analysis.reconstructed(36)
    return reconstruction_figure(analysis.pixels[: len(drawn)], drawn, f"{exhibit.title}: reconstructions")


def _samples(exhibit: Exhibit) -> Figure:
    from aaecli.figures.images import sample_figure

    images, columns = exhibit.analysis.samples(10)
    clusters = exhibit.analysis.model.clusters
    used = "" if clusters is None else f", {len(columns)} of {len(clusters)} clusters hold images"
    return sample_figure(images, columns, f"{exhibit.title}: generated from the prior{used}")


def _latent(exhibit: Exhibit) -> Figure:
    from aaecli.figures.codes import latent_figure

    analysis = exhibit.analysis
    model, style = analysis.model, analysis.prediction.style
    if style is None:
        raise AaeError(f"{exhibit.folder} has no style.")
    shown = min(2, len(model.label_names) - 1)
    uses_label = FAMILY[model.config.model].decoder_label != "none"
    drawn = "generated across it" + (f", as {for_terminal(model.label_names[shown], 20)}" if uses_label else "")
    where = "z" if style.shape[1] == 2 else f"z ({style.shape[1]} dimensions), its two main axes"
    return latent_figure(
        analysis.on_plane(style[:_MAP_POINTS]),
        analysis.on_plane(analysis.prior(_MAP_POINTS)),
        analysis.label[:_MAP_POINTS],
        model.classes,
        analysis.manifold(15, shown),
        (f"{exhibit.title}: {where}", drawn),
    )


def _features(exhibit: Exhibit) -> Figure:
    from aaecli.figures.images import feature_figure

    return feature_figure(exhibit.analysis.features(96), f"{exhibit.title}: weights of first-layer units")


def _confusion(exhibit: Exhibit) -> Figure:
    from aaecli.figures.confusion import confusion_figure
    from aaecli.metrics.confusion import confusion_matrix

    analysis = exhibit.analysis
    prob = analysis.class_prob
    if prob is None:
        raise AaeError(f"{exhibit.folder} has no classes.")
    matrix = confusion_matrix(prob.argmax(1), analysis.label, len(analysis.model.classes))
    title = f"{exhibit.title}: {matrix.trace() / matrix.sum():.2%} of {matrix.sum():,} images"
    return confusion_figure(matrix, analysis.model.classes, title)


def _mistakes(exhibit: Exhibit) -> Figure:
    from aaecli.figures.images import mistake_figure

    analysis = exhibit.analysis
    prob = analysis.class_prob
    if prob is None:
        raise AaeError(f"{exhibit.folder} has no classes.")
    return mistake_figure(analysis.pixels, analysis.label, prob, analysis.model.classes)


def _draws(traits: Model) -> bool:
    return traits.decoder_label is not None


GALLERY = {
    "curves": Work("Losses and validation results against training steps.", _curves),
    "distributions": Work(
        "Label and style of held-out images, against the priors that they were matched to.",
        _distributions,
    ),
    "reconstructions": Work(
        "Held-out images, and below each its reconstruction.",
        _reconstructions,
        _draws,
        "has no decoder",
    ),
    "samples": Work(
        "Images generated from the prior: a style in each row and, if the model has classes, a class in each column.",
        _samples,
        _draws,
        "has no decoder",
    ),
    "latent": Work(
        "Left: images in the style space, coloured by class, over samples of the prior. "
        "Right: images generated across it.",
        _latent,
        _draws,
        "has no style",
    ),
    "features": Work(
        "Weights of first-layer units: orange where light excites a unit, purple where it inhibits it.", _features
    ),
    "confusion": Work(
        "True classes down, predicted classes across.",
        _confusion,
        lambda traits: traits.encodes_label,
        "has no classes",
    ),
    "mistakes": Work(
        "Misclassified images, the most confident first.",
        _mistakes,
        lambda traits: traits.encodes_label,
        "has no classes",
    ),
}
"""Every figure of a run by its name, in the order of the report."""
