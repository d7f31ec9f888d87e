"""`--preset auto`: how pictures look, and which settings suit them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aaecli.config.preset import merge

AUTOMATIC = "auto"
"""The preset that chooses: by the looks of a folder's pictures, else by the model."""
PRESET = "pictures"
"""The preset that is adapted to a folder of pictures."""
FINE_TUNE = "fine-tune"
"""The preset for a training that starts from a model."""
_BLACK = 0.45
"""Fraction of black pixels above which pictures show something light on black: MNIST has 0.82, Fashion-MNIST 0.55."""
DARK = 26
"""Pixels up to this value, a tenth of the range, are black."""
WRITING = 0.65
"""Fraction of black pixels above which grey images are of strokes, as MNIST's are."""
_ANY_GROUND = 0.1
"""Standard deviation of the border's colour above which things stand on grounds of any colour: 0.17 to 0.24 in five
sets of such pictures, up to 0.04 on black."""
_GROUND_SAYS_CLASS = 0.2
"""Above this the ground may be what tells the class, and is left alone. Of 100 labelled pictures, chance gives 0.1."""
_AS_OFTEN = 0.4
"""Fraction of mirror images with nearer neighbours than the pictures have, above which pictures are mirrored: 0.46 to
0.49 for icons and textures, up to 0.23 for writing, and for clothes and shoes, all of which point one way."""
_FLIP_P_VALUE = 0.25
"""P-value below which mirror images are taken to be of other classes. Of four arrows it is below 0.1 in nearly every
draw of ten labels; of icons and textures, rarely under 0.5. A needless refusal costs a point, a wrong flip half the
classes."""
_COLOUR_P_VALUE = 0.15
"""P-value below which colours are taken to say something of the class. In signal lamps and fruit it is up to 0.06 with
ten labels of each, and below 0.15 in 13 of 16 draws of four; in icons, digits and textures, in 2 of 80. Without their
colours, lamps are classified at chance; with them, icons three points worse."""
_CHANNELS = {20: (64, 128), 40: (32, 64, 128), 64: (16, 32, 64, 128)}
"""By the largest side: the maps of the last stage have 4 to 10 places a side."""
_LARGE = 40
_MANY_LABELS = 800
_OF_LARGE: dict[str, Any] = {
    "network": {"teacher_head": False},
    "objective": {"consistency_options": {"distribution_alignment": True, "check_step": 150}},
    "schedule": {"decoder_batch_size": 10, "generated_batch_size": 4},
    "propagation": {"every": 250, "until": 800},
}
"""What differs for large pictures, whose decoder takes the most time. Icons of 64 × 64 pixels, seed 3, pictures
without a label: 89.9 %; with 750 steps of the preset, which take a fifth less time, 80.7 %."""
_STEPS = {(False, True): 1900, (True, False): 1100, (True, True): 2090}
"""By whether pictures are large and labels many; the preset's where neither. Fashion-MNIST, 1000 labels: 1,900 steps,
87.2 % of the pictures without a label (seed 3); 1,000 steps, 84.9 % of the test pictures (seed 20)."""


@dataclass(frozen=True)
class Appearance:
    """Measurements of the images of a data set, without a network.

    Attributes:
        size: The longer side in pixels.
        in_colour: Whether images have three channels.
        black: Fraction of black pixels.
        ground_variation: Standard deviation of the border's mean colour over the images, in [0, 0.5].
        ground_says_class: How much more often than by chance the labelled image with the most similar border is of the
            same class, from -1 to 1.
        mirrored: Fraction of images whose mirror image has a nearer neighbour among the others than they have
            themselves: a half where pictures are mirrored as often as not.
        upturned: The same of images turned upside down.
        mirroring_p_value: Of a test, on labelled images, that mirror images are of the same class.
        upturning_p_value: The same of images turned upside down.
        recolouring_p_value: The same of images in other colours, or in other tones where they are grey.
        num_labelled: How many of them have a label that is learnt from.
    """

    size: int
    in_colour: bool
    black: float
    ground_variation: float
    ground_says_class: float
    mirrored: float
    upturned: float
    mirroring_p_value: float
    upturning_p_value: float
    recolouring_p_value: float
    num_labelled: int

    @property
    def on_any_ground(self) -> bool:
        """Whether things stand on grounds that say nothing of them."""
        return self.ground_variation > _ANY_GROUND and self.ground_says_class < _GROUND_SAYS_CLASS

    @property
    def colour_says_class(self) -> bool:
        """Whether classes differ in colour, or in tone."""
        return self.recolouring_p_value < _COLOUR_P_VALUE

    @property
    def is_writing(self) -> bool:
        """Whether images look like MNIST's: light strokes on black."""
        return not self.in_colour and self.black > WRITING and self.ground_variation < _ANY_GROUND


@dataclass(frozen=True)
class Choice:
    """What suits images.

    Attributes:
        settings: Nested tables of what differs from the preset.
        reason: A clause that says what was seen and what follows.
    """

    settings: dict[str, Any]
    reason: str


def choose(seen: Appearance) -> Choice:
    """Choose settings beside those of ``PRESET``."""
    channels = next(channels for side, channels in _CHANNELS.items() if seen.size <= side or side == max(_CHANNELS))
    any_ground = seen.on_any_ground
    any_colour = any_ground and not seen.colour_says_class
    augmentation: dict[str, Any] = {
        "shift": round(seen.size * 0.1, 1),
        "random_erasing": round(seen.size * 0.3),
        "horizontal_flip": seen.mirrored > _AS_OFTEN and seen.mirroring_p_value >= _FLIP_P_VALUE,
        "vertical_flip": seen.upturned > _AS_OFTEN and seen.upturning_p_value >= _FLIP_P_VALUE,
        "reflection_padding": seen.black < _BLACK,
        "ground": 0.5 if any_ground else 0.0,
    }
    if not (seen.in_colour and any_colour):
        augmentation |= {"channel_mixing": 0.0, "channel_permutation": False}
    settings: dict[str, Any] = {
        "network": {
            # On a ground that is always the same, tones tell something too: 200 steps on 100 labels of Fashion-MNIST
            # alone, 74.8 %, by edges alone 73.4 %; icons on any ground 66.7 and 68.9 %.
            "encoder_options": {"sees": "edges" if any_colour else "both", "channels": list(channels)},
            "decoder_options": {"channels": list(channels[::-1])},
        },
        "augmentation": augmentation,
    }
    if is_large := seen.size > _LARGE:
        merge(settings, _OF_LARGE)
    if (steps := _STEPS.get((is_large, seen.num_labelled >= _MANY_LABELS))) is not None:
        settings.setdefault("schedule", {})["steps"] = steps
    return Choice(settings, _reason(seen, augmentation))


def _reason(seen: Appearance, augmentation: dict[str, Any]) -> str:
    colour = "colour" if seen.in_colour else "grey"
    ground = "on any ground" if seen.on_any_ground else "light on black" if seen.black >= _BLACK else "on a ground"
    if seen.on_any_ground and seen.colour_says_class:
        ground += f", classes differ in {'colour' if seen.in_colour else 'tone'}"
    changes = ["warped"]
    if augmentation["horizontal_flip"]:
        changes.append("mirrored")
    if augmentation["vertical_flip"]:
        changes.append("turned over")
    if seen.on_any_ground:
        changes.append("put on other grounds")
    if augmentation.get("channel_permutation", True):
        changes.append("recoloured")
    return f"{seen.size} × {seen.size} pixels, {colour}, {ground}: {', '.join(changes)}"
