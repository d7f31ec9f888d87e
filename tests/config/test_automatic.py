"""`--preset auto`: what follows from the looks of pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aaecli.config.automatic import Appearance, choose
from aaecli.config.resolve import resolve

ICONS = Appearance(
    size=32,
    in_colour=True,
    black=0.02,
    ground_variation=0.24,
    ground_says_class=-0.01,
    mirrored=0.48,
    upturned=0.22,
    mirroring_p_value=0.9,
    upturning_p_value=0.4,
    recolouring_p_value=0.8,
    num_labelled=130,
)
CLOTHES = Appearance(
    size=28,
    in_colour=False,
    black=0.55,
    ground_variation=0.03,
    ground_says_class=0.0,
    mirrored=0.23,
    upturned=0.03,
    mirroring_p_value=1.0,
    upturning_p_value=0.2,
    recolouring_p_value=0.9,
    num_labelled=100,
)


def augmentation(seen):
    return choose(seen).settings["augmentation"]


def test_things_on_any_ground_get_other_grounds_and_colours():
    assert augmentation(ICONS)["ground"] > 0
    assert "channel_permutation" not in augmentation(ICONS)  # the preset's
    assert "on any ground" in choose(ICONS).reason


def test_the_ground_is_left_alone_where_it_is_always_the_same_or_says_the_class():
    for seen in (CLOTHES, replace(ICONS, ground_says_class=0.5)):
        assert augmentation(seen)["ground"] == 0
        assert augmentation(seen)["channel_permutation"] is False


def test_pictures_are_turned_where_turned_ones_look_as_much_at_home():
    assert augmentation(ICONS)["horizontal_flip"]
    assert not augmentation(ICONS)["vertical_flip"]
    assert augmentation(replace(ICONS, upturned=0.5))["vertical_flip"]
    assert not augmentation(CLOTHES)["horizontal_flip"]


def test_pictures_are_not_turned_where_labelled_ones_say_that_this_changes_the_class():
    assert not augmentation(replace(ICONS, mirroring_p_value=0.1))["horizontal_flip"]
    assert not augmentation(replace(ICONS, upturned=0.5, upturning_p_value=0.1))["vertical_flip"]


@pytest.mark.parametrize("in_colour", [True, False])
def test_colours_are_seen_and_kept_where_classes_differ_in_them(in_colour):
    choice = choose(replace(ICONS, in_colour=in_colour, recolouring_p_value=0.01))
    assert choice.settings["network"]["encoder_options"]["sees"] == "both"
    assert choice.settings["augmentation"]["channel_permutation"] is False
    assert choice.settings["augmentation"]["channel_mixing"] == 0
    assert choice.settings["augmentation"]["ground"] > 0
    assert f"classes differ in {'colour' if in_colour else 'tone'}" in choice.reason
    assert "recoloured" not in choice.reason


def test_grey_pictures_keep_their_only_channel():
    assert augmentation(replace(ICONS, in_colour=False))["channel_mixing"] == 0


@pytest.mark.parametrize("size", [8, 20, 21, 28, 40, 64])
@pytest.mark.parametrize("seen", [ICONS, CLOTHES])
def test_what_is_chosen_is_a_training_of_pictures(seen, size):
    settings = choose(replace(seen, size=size)).settings
    image = {"size": size, "channels": 3 if seen.in_colour else 1, "normalise": "none"}
    config = resolve(preset="auto", adapted=settings | {"image": image})
    assert config.preset == "pictures"
    assert config.network.decoder == "convolutional"
    coarsest = size / 2 ** len(config.network.encoder_options.channels)
    assert 2 <= coarsest <= 5
    assert config.propagation.until < config.schedule.steps
    assert config.objective.options["consistency"].check_step < config.schedule.steps


def test_the_decoder_of_large_pictures_draws_fewer_of_them():
    small, large = (
        resolve(preset="auto", adapted=choose(replace(ICONS, size=size)).settings).schedule for size in (40, 64)
    )
    assert large.decoder_batch_size < small.decoder_batch_size
    assert large.generated_batch_size < small.generated_batch_size


@pytest.mark.parametrize("size", [28, 64])
def test_a_training_is_longer_where_there_are_many_labels(size):
    seen = replace(CLOTHES, size=size)
    few, many, more = (
        resolve(preset="auto", adapted=choose(replace(seen, num_labelled=number)).settings).schedule.steps
        for number in (360, 1000, 5000)
    )
    assert 1.5 * few < many == more < 2 * few


def test_without_a_folder_auto_is_what_suits_the_model():
    assert resolve(preset="auto").preset == "default"
    assert resolve(preset="auto", flags={"model": "baseline"}).preset == "tutorial"
