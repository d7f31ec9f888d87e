"""``aaecli label``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aaecli.cli.list_and_sheet import claim_list_and_sheet
from aaecli.cli.options import MODEL, OUTPUT, is_typed
from aaecli.cli.options.data import Channels, Normalise, Size
from aaecli.cli.options.output import Force
from aaecli.cli.options.seed import seed as seed_option
from aaecli.cli.options.threads import Threads
from aaecli.config.models import MAX_CLASSES
from aaecli.errors import AaeError
from aaecli.files.opening import is_file
from aaecli.suggestions import suggest_aaecli
from aaecli.text import number_of

if TYPE_CHECKING:
    from aaecli.config.image import Image
    from aaecli.data.dataset import Dataset
    from aaecli.files.outputs import Outputs
    from aaecli.labelling.selection import Question

app = typer.Typer(add_completion=False)

_WHICH = "Which pictures"
_HOW = "Answers"
_Rule = Literal["auto", "typiclust", "badge", "random"]


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli label stamps/                           asks about 20 pictures, here\n\n"
        "  aaecli label stamps/ --count 50 --out ask.csv  a list to fill in, and ask.png\n\n"
        "  aaecli label stamps/ --answers ask.csv         takes the filled-in list\n\n"
        "  aaecli label stamps/ --count 100 --web         asks on a page: a key a picture\n\n"
        "  aaecli label stamps/ --clusters 30             finds 30 clusters; a name labels each\n\n"
        "Answers go into labels.csv in the folder; the next aaecli train uses them."
    )
)
def label(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of pictures, as for aaecli train --data.")],
    count: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of pictures to ask about.", rich_help_panel=_WHICH)
    ] = 20,
    rule: Annotated[
        _Rule,
        typer.Option(
            metavar="RULE",
            help="typiclust: typical pictures; badge: pictures that the model is uncertain of; "
            "random; auto: typiclust, and badge from 2 labels per class on.",
            rich_help_panel=_WHICH,
        ),
    ] = "auto",
    clusters: Annotated[
        int | None,
        typer.Option(
            min=2,
            max=MAX_CLASSES,
            metavar="N",
            help="Ask for the names of N clusters instead, which are found without labels: it trains a model.",
            rich_help_panel=_WHICH,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL.pt",
            show_default="model.pt, if it was trained on DIR",
            help="Model trained so far.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    seed: Annotated[int | None, seed_option("the choice", _WHICH)] = None,
    size: Size = None,
    channels: Channels = None,
    normalise: Normalise = None,
    threads: Threads = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Names of classes that no picture has yet.", rich_help_panel=_HOW),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Write the questions to FILE.csv and the pictures to FILE.png instead of asking.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Take the answers from a completed list.", rich_help_panel=_HOW),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="With --clusters: take the names from a completed list.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    force: Force = False,
    web: Annotated[
        bool, typer.Option("--web", help="Ask on a page in the browser, answered by single keys.", rich_help_panel=_HOW)
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            show_default="any that is free",
            help="Port of the page.",
            rich_help_panel=_HOW,
        ),
    ] = None,
) -> None:
    """Ask for the labels that would help most, and save them in labels.csv.

    With few labels it asks about typical pictures (TypiClust, Hacohen et al.
    2022), later about those that the model is uncertain of (BADGE, Ash et al.
    2020). Each answer is saved before the next question. With --clusters, one
    name labels all pictures that are surely of a cluster.
    """
    _check_words(ctx)
    from aaecli.data.readers.image_folder.labels import NAME
    from aaecli.files.writing import check_no_links
    from aaecli.terminal import console

    _refuse_store(folder)
    target = folder / NAME
    check_no_links(folder, target)
    outputs = _outputs(out, folder, model, force=force)
    added = [name.strip() for name in (classes or "").split(",") if name.strip()]
    if answers is not None:
        _take(folder, answers, added, target)
        console.say(f"Next: {suggest_aaecli('train', '--data', folder, *_form(size, channels, normalise))}")
        return
    from aaecli.cli.asking import Where, ask_about_pictures
    from aaecli.cli.loading import image_for

    where = Where(web, port or 0)
    _check_pictures(folder)
    image = image_for(folder, size, channels, normalise)
    if clusters is not None:
        from aaecli.cli.label_clusters import Request, label_clusters

        settings = {"size": image.size, "channels": image.channels, "normalise": image.normalise}
        form = _form(size, channels, normalise)
        request = Request(clusters, model, settings, seed, threads, added, form)
        if label_clusters(folder, request, out, names, outputs, where):
            console.say(f"Next: {suggest_aaecli('train', '--data', folder, *form)}")
        return

    def choose() -> tuple[Dataset, Path | None, list[Question]]:
        return _choose(folder, image, model, rule, count, seed or 0, threads)

    dataset, learnt, questions = choose()
    described = f"by {learnt}" if learnt else "by their pixels, since there is no model of this folder yet"
    num_waiting = int((dataset.train_label < 0).sum())
    console.say(f"{len(questions)} of {num_waiting:,} pictures without a label, chosen {described}.")
    if out is not None:
        _write(outputs, out, dataset, questions)
        console.put(str(out))
        console.put(str(out.with_suffix(".png")))
        then = suggest_aaecli("label", folder, "--answers", out, *_form(size, channels, normalise))
        console.say(f"Fill in the column 'label', then: {then}")
        return

    from aaecli.cli.labelling import rows_of

    known = list(dict.fromkeys([*dataset.classes, *added]))
    rows = rows_of(dataset, questions)
    if ask_about_pictures(folder, rows, known, lambda: rows_of(*choose()[::2]), where):
        console.say(f"Next: {suggest_aaecli('train', '--data', folder, *_form(size, channels, normalise))}")


def _check_words(ctx: typer.Context) -> None:
    """Check which options go together.

    Raises:
        typer.BadParameter: Some do not.
    """
    given = {name for name, value in ctx.params.items() if value is not None and value is not False}
    if len(lists := given & {"out", "answers", "names"}) > 1:
        raise typer.BadParameter(f"Choose one of {' and '.join(f'--{name}' for name in sorted(lists))}.")
    if "web" in given and lists:
        raise typer.BadParameter(f"--web asks on a page: it does not go with --{min(lists)}.")
    if "port" in given and "web" not in given:
        raise typer.BadParameter("--port is that of the page: add --web.")
    if "names" in given and "clusters" not in given:
        raise typer.BadParameter("--names is a list of clusters: add --clusters.")
    for name in ("count", "rule", "answers"):
        if "clusters" in given and is_typed(ctx, name):
            raise typer.BadParameter(f"--{name} is about single pictures: it does not go with --clusters.")


def _take(folder: Path, answers: Path, added: list[str], target: Path) -> None:
    from aaecli.labelling.question_list import take_answers
    from aaecli.terminal import console

    taken = take_answers(folder, answers, added)
    counts = ", ".join(f"{name} × {count:,}" for name, count in sorted(taken.items()))
    console.put(f"{number_of(taken.total(), 'label')} taken into {target}: {counts}")


def _form(size: int | None, channels: int | None, normalise: bool | None) -> list[str]:
    """Give the options that say what pictures become, where they are not the defaults: training needs the same."""
    chosen = [] if size is None else ["--size", str(size)]
    chosen += [] if channels is None else ["--channels", str(channels)]
    return chosen + ([] if normalise is None else ["--normalise" if normalise else "--no-normalise"])


def _choose(
    folder: Path, image: Image, named: Path | None, rule: _Rule, count: int, seed: int, threads: int | None
) -> tuple[Dataset, Path | None, list[Question]]:
    """Load pictures and model, and choose."""
    from aaecli.cli.loading import load
    from aaecli.runs.paths import NEWEST_MODEL
    from aaecli.terminal import console

    path, model = named or (NEWEST_MODEL if is_file(NEWEST_MODEL) else None), None
    if path is not None:
        from aaecli.labelling.folder import model_for

        model = model_for(folder, path, is_named=named is not None)
    dataset = load(folder, image if model is None else model.config.image)
    with console.status("Choosing"):
        from aaecli.labelling.folder import choose
        from aaecli.models.devices import use_threads

        use_threads(threads or 0)
        return dataset, None if model is None else path, choose(folder, dataset, model, rule, count, seed)


def _check_pictures(folder: Path) -> None:
    from aaecli.data.loading import holds_pictures

    if not holds_pictures(folder):
        raise AaeError(
            f"{folder} is not a folder of pictures.", "Pictures without a label lie in it or in its folder unlabelled."
        )


def _refuse_store(folder: Path) -> None:
    from aaecli.data.store.manifest import holds_store, suggest_packing_again

    if holds_store(folder):
        raise AaeError(
            f"{folder} is a store: the labels of its images were settled when it was packed.",
            "Label the folder of pictures that it was packed from, and pack that again: "
            f"{suggest_packing_again(folder)}.",
        )


def _outputs(out: Path | None, folder: Path, model: Path | None, *, force: bool) -> Outputs:
    """Claim the list and its pictures before a model is loaded and questions are chosen."""
    from aaecli.files.outputs import Outputs

    # In the folder, the sheet of pictures would be one of the pictures the next time.
    outputs = Outputs(force=force, inputs=[folder, *([model] if model else [])])
    if out is not None:
        claim_list_and_sheet(outputs, out, "questions")
    return outputs


def _write(outputs: Outputs, out: Path, dataset: Dataset, questions: list[Question]) -> None:
    from aaecli.data.inspection.contact_sheet import encode_contact_sheet
    from aaecli.labelling.question_list import encode_list

    indices = [question.image_index for question in questions]
    outputs.write(out.with_suffix(".png"), encode_contact_sheet(dataset.train_image[indices]))
    rows = enumerate(questions, 1)
    outputs.write(
        out, encode_list((number, dataset.train_name[entry.image_index], entry.guess or "") for number, entry in rows)
    )
