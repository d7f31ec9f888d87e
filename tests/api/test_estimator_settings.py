import numpy as np
import pytest

from aaecli.api.estimator_settings import settings_for
from aaecli.errors import AaeError

NONE_GIVEN = {
    "seed": 0,
    "preset": "auto",
    "steps": None,
    "style_dim": 10,
    "augment": "auto",
    "settings": {},
    "device": "cpu",
}


def settings(shape, **given):
    image = np.random.default_rng(0).integers(0, 256, (40, *shape), np.uint8)
    return settings_for(image, np.arange(40) % 4 - 1, **NONE_GIVEN | given)


@pytest.mark.parametrize(("shape", "preset"), [((8, 8), "pictures"), ((32, 32, 3), "pictures"), ((1, 64), "quick")])
def test_auto_is_what_suits_the_rows(shape, preset):
    assert settings(shape).preset == preset


def test_of_pictures_auto_depends_on_their_size():
    small, large = settings((8, 8)), settings((32, 32))
    assert small.augmentation.bounds["warp"].shift < large.augmentation.bounds["warp"].shift
    assert len(small.network.encoder_options.channels) < len(large.network.encoder_options.channels)


def test_an_augmentation_goes_before_what_auto_would_take():
    assert not settings((8, 8), augment="none").augmentation.acting
    assert settings((8, 8)).augmentation.acting


def test_a_setting_of_another_encoder_is_refused():
    with pytest.raises(AaeError, match="hidden"):
        settings((8, 8), settings={"network": {"encoder_options": {"hidden": [9]}}})


def test_a_start_brings_its_networks_and_its_preset():
    config = settings((28, 28), start="released")
    assert config.preset == "fine-tune"
    assert config.network.encoder == "convolutional"
    assert config.start.model == "released"
    with pytest.raises(AaeError, match=r"settings\['start'\]"):
        settings((28, 28), settings={"start": {"model": "released"}})
