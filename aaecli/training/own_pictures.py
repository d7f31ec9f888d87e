"""Settings that follow from the data, where the user did not choose them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aaecli.config.augmentation import Augmentation
from aaecli.config.automatic import AUTOMATIC, PRESET
from aaecli.config.effective import inert, refuse_inert
from aaecli.config.image import Image
from aaecli.config.preset import PRESETS
from aaecli.config.resolve import resolve
from aaecli.config.schema import Config
from aaecli.config.toml_file import read_toml
from aaecli.errors import AaeError
from aaecli.training.starting_model import resolve_with_start

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aaecli.data.dataset import Dataset

_ADAPTED = ("baseline", "semisupervised")
"""Models whose settings follow from the looks of a folder's pictures: both learn the same network, from labels alone
and from all pictures, so that one tells what the other is worth."""


def settle(
    preset: str | None,
    config_file: Path | Mapping[str, Any] | None,
    flags: Mapping[str, Any],
    augment: str | None,
    *,
    load: Callable[[str, Image], Dataset],
    tell: Callable[[str], None],
) -> tuple[Config, Dataset | None]:
    """Give the settings of a training, and its data set where it had to be looked at for them.

    Args:
        preset: The preset that the user named.
        config_file: The file of settings that the user named, or the tables that it would hold.
        flags: Nested tables of what the command line set.
        augment: The augmentation that the user named.
        load: Loads a data set from its folder, with what its pictures are to become.
        tell: Receives what was chosen, and why.

    Raises:
        AaeError: A setting is wrong, or the folder that ``auto`` has to look at cannot be read.
    """
    from aaecli.data.loading import find_reader, holds_pictures

    file = read_toml(config_file) if isinstance(config_file, Path) else dict(config_file or {})
    config = _before_pictures(preset, config_file, flags, file)
    # What has no effect is refused before any picture is read.
    unadapted = fitting(config, flags, file, augment)
    # What no reader takes is refused where it is loaded.
    # The networks of a start are settled, and so is what pictures become.
    data = config.data
    if not data or config.start.model or not find_reader(data):
        return unadapted, None
    given = {**file.get("image", {}), **flags.get("image", {})}
    if not _follows_pictures(config, preset, file):
        image = _form(config, given)
        if image != config.image:
            tell(f"pictures: {_described(image)}{_made_for_digits(config)}")
        return fitting(replace(config, image=image), flags, file, augment), None

    from aaecli.data.automatic import adapt, adapt_stored
    from aaecli.data.split import split

    def selected(dataset: Dataset) -> NDArray[np.int64]:
        return split(dataset, unadapted.labels, unadapted.seed, unadapted.holdout).labelled

    if holds_pictures(data):
        found = adapt(Path(data), given, lambda image: load(data, image), selected)
    else:
        found = adapt_stored(load(data, unadapted.image), selected)
    config = _adapted_config(found.settings, preset, config_file, flags, file)
    tell(f"preset {config.preset}: {found.reason}")
    return fitting(config, flags, file, augment), found.dataset


def _before_pictures(
    preset: str | None, config_file: Path | Mapping[str, Any] | None, flags: Mapping[str, Any], file: Mapping[str, Any]
) -> Config:
    """Give the settings as far as they are known before the pictures are seen.

    Raises:
        AaeError: A setting is wrong, whatever the pictures look like.
    """
    try:
        return resolve_with_start(preset=preset, config_file=config_file, flags=flags)
    except AaeError as error:
        try:
            # The file may set what pictures in colour have.
            config = resolve(preset=AUTOMATIC, config_file=config_file, flags=flags, adapted={"image": {"channels": 3}})
            if "preset" not in file:
                refuse_inert(config, file)
        except AaeError:
            raise error from None
        if not config.data or config.start.model or not _follows_pictures(config, preset, file):
            raise
        return replace(config, image=Image(**{**file.get("image", {}), **flags.get("image", {})}))


def _follows_pictures(config: Config, preset: str | None, file: Mapping[str, Any]) -> bool:
    """Tell whether the preset and the model are such as the looks of pictures decide on."""
    return (preset or file.get("preset", AUTOMATIC)) in (AUTOMATIC, PRESET) and config.model in _ADAPTED


def _adapted_config(
    adapted: dict[str, Any] | None,
    preset: str | None,
    config_file: Path | Mapping[str, Any] | None,
    flags: Mapping[str, Any],
    file: Mapping[str, Any],
) -> Config:
    """Give the settings that suit pictures: the preset for digits, or that for pictures with what was adapted.

    Raises:
        AaeError: The user set what does not go with them.
    """
    if adapted is None:
        return resolve(preset=preset, config_file=config_file, flags=flags)
    try:
        return resolve(preset=AUTOMATIC, config_file=config_file, flags=flags, adapted=adapted)
    except AaeError as error:
        if preset or "preset" in file or not file:
            raise
        remedy = f'If the settings are for another preset than "{PRESET}", add it to the file: preset = "NAME".'
        raise AaeError(error.message, f"{error.hint} {remedy}".strip()) from error


def _form(config: Config, given: Mapping[str, Any]) -> Image:
    """Give what pictures become with settings that were chosen on MNIST: what they are, and strokes as MNIST's are."""
    from aaecli.data.loading import holds_pictures

    default = Image()
    of_preset = {name: value for name, value in asdict(config.image).items() if value != getattr(default, name)}
    given = of_preset | dict(given)
    if not holds_pictures(config.data) or given.keys() >= {"size", "channels", "normalise"}:
        return config.image
    from aaecli.data.automatic import form_of

    image = form_of(Path(config.data), given, strokes=True)
    is_same = all(getattr(image, name) == getattr(config.image, name) for name in ("size", "channels", "has_strokes"))
    return config.image if is_same else image


def _described(image: Image) -> str:
    colour = "colour" if image.channels == 3 else "grey"
    return f"{image.size} × {image.size} pixels, {colour}" + (", normalised strokes" if image.has_strokes else "")


def _made_for_digits(config: Config) -> str:
    if config.model not in _ADAPTED or config.preset not in PRESETS:
        return ""
    return f"; preset {config.preset} was chosen on digits: without it, settings follow the pictures"


def fitting(config: Config, flags: Mapping[str, Any], file: Mapping[str, Any], augment: str | None) -> Config:
    """Complete settings for the data that they name.

    Args:
        config: The settings.
        flags: Nested tables of what the command line set.
        file: The same of ``--config``.
        augment: The augmentation that the user named.

    Returns:
        The settings with every label where the user's own pictures are learnt from, and with the augmentation of
        natural images where pictures are left as they are, unless the user or the preset chose otherwise. An
        augmentation that is not the preset's is as strong as it says, however few labels there are.

    Raises:
        AaeError: A setting tells what images become, and has no effect on those of this format.
    """
    from aaecli.data.loading import OF_IMAGES, find_reader, refuse_idle

    found = find_reader(config.data)
    if found is not None:
        _, reader = found
        images = Image()
        given = {name for name in OF_IMAGES if name in flags.get("image", {})}
        given |= {name for name in OF_IMAGES if getattr(config.image, name) != getattr(images, name)}
        if "holdout" in flags or config.holdout != "auto":
            given.add("holdout")
        refuse_idle(config.data, given, reader)
        is_open = config.labels and "labels" not in flags and "labels" not in file
        if is_open and config.data and reader.learns_every_label(Path(config.data)):
            config = replace(config, labels="all")
    has_its_own = config.preset == PRESET
    if augment is None and not has_its_own and not config.image.has_strokes and "augmentation" not in file:
        # A preset without any, such as the article's, stays without.
        augment = "natural" if config.augmentation.acting else None
        if augment is not None and "augmentation.shift" in inert(config):
            augment = None
    elif augment not in (None, "none") and (reason := inert(config).get("augmentation.shift")):
        raise AaeError(f"--augment {augment} has no effect {reason}.", "Leave it out, or take --preset default.")
    if augment is not None:
        config = replace(config, augmentation=Augmentation.of_set(augment))
    chosen = augment is not None or "augmentation" in file
    if chosen and "augmentation_scale" not in file.get("propagation", {}):
        config = replace(config, propagation=replace(config.propagation, augmentation_scale=1.0))
    return config
