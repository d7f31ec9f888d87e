"""The table of models: what a row says fits together, and the settings know every row."""

from __future__ import annotations

import typing

import pytest

from aaecli.config.models import FAMILY
from aaecli.config.preset import preset_names
from aaecli.config.resolve import resolve
from aaecli.config.schema import Config
from aaecli.errors import AaeError


def test_the_settings_name_every_row():
    assert set(typing.get_args(typing.get_type_hints(Config)["model"])) == set(FAMILY)


@pytest.mark.parametrize("model", FAMILY)
def test_a_row_fits_together(model):
    row = FAMILY[model]
    assert row.encodes_label or row.encodes_style
    assert row.sees_unlabelled or row.uses_labels
    assert row.encodes_label or not row.label_prior
    assert row.encodes_style or not row.style_prior
    assert row.encodes_label or row.decoder_label != "encoded"


@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.parametrize("model", FAMILY)
def test_every_preset_has_settings_for_every_model(preset, model):
    config = resolve(preset=preset, flags={"model": model})
    assert (config.model, config.preset, config.labels) == (model, preset, FAMILY[model].default_labels)


@pytest.mark.parametrize("model", [name for name, row in FAMILY.items() if not row.uses_labels])
def test_labels_are_refused_where_there_is_no_use_for_them(model):
    with pytest.raises(AaeError, match="no use for labels") as caught:
        resolve(flags={"model": model, "labels": 1000})
    assert caught.value.hint == "Leave out --labels."


def test_a_prior_in_the_plane_needs_a_style_in_the_plane():
    with pytest.raises(AaeError, match="style_dim must be 2 for the prior swiss-roll, not 3"):
        resolve(flags={"model": "aae", "prior": {"style": "swiss-roll"}, "network": {"style_dim": 3}})
    assert resolve(flags={"model": "aae", "prior": {"style": "mixture"}}).network.style_dim == 2


def test_the_label_of_clustering_has_a_value_for_each_cluster():
    assert resolve(flags={"model": "clustering", "clusters": 30}).label_dim(10) == 30
    assert resolve(flags={"model": "semisupervised"}).label_dim(10) == 10
