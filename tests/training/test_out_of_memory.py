"""A lack of memory: the size that would fit is found, whatever the batch holds, and looking for it moves nothing."""

from __future__ import annotations

import pytest
import torch

from aaecli.errors import AaeError
from aaecli.training.cuda_graph import WARM_UP, Captured
from aaecli.training.out_of_memory import suggesting_what_fits
from aaecli.training.step import Step
from tests.training.test_step import make_batch, make_step


@pytest.fixture
def room_for(monkeypatch):
    """Have steps of more than so many leading images fail for want of memory, once they have moved weights."""

    def limit(most):
        taken = Step.__call__

        def take(self, batch, number):
            leading = batch.labelled if batch.unlabelled is None else batch.unlabelled
            sizes.append(len(leading))
            if len(leading) > most:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return taken(self, batch, number)

        monkeypatch.setattr(Step, "__call__", take)
        return sizes

    sizes = []
    return limit


def advice(step, batch):
    said = "does not suffice for a batch of 16 images"
    with pytest.raises(AaeError, match=said) as caught, suggesting_what_fits(step, batch, 0):
        step(batch, 0)
    return caught.value.hint


def batches():
    plain = make_batch()
    known = torch.arange(16) % 10
    return {
        "plain": plain,
        "every label": plain._replace(pool_label=known),
        "propagated": plain._replace(propagated_label=known - 1),
    }


@pytest.mark.parametrize("kind", batches())
@pytest.mark.parametrize("preset", ["default", "tutorial"])
def test_a_size_is_found_that_fits(small_config, room_for, preset, kind):
    sizes = room_for(5)
    assert advice(make_step(small_config(preset)), batches()[kind]) == "--batch-size 4 fits."
    assert sizes == [16, 8, 4, 4]


def test_a_model_without_unlabelled_images_sees_fewer_labelled_ones(small_config, room_for):
    room_for(4)
    batch = make_batch("baseline")
    batch = batch._replace(labelled=batch.labelled.repeat(2, 1, 1), label=batch.label.repeat(2))
    assert advice(make_step(small_config(model="baseline")), batch) == "--batch-size 4 fits."


def test_where_nothing_fits_the_layers_are_to_be_narrower(small_config, room_for):
    room_for(1)
    hint = advice(make_step(small_config()), make_batch())
    assert "[network.encoder_options]" in hint
    assert "schedule.labelled_batch_size" in hint


@pytest.mark.parametrize("num_before", [0, 2])
@pytest.mark.parametrize("preset", ["default", "tutorial"])
def test_looking_for_a_size_moves_nothing(small_config, room_for, monkeypatch, preset, num_before):
    step, batch = make_step(small_config(preset)), make_batch()
    for number in range(num_before):
        step(batch, number)
    room_for(8)
    fits = {}

    def kept(step, batch, number):
        fits["before"] = ({name: value.clone() for name, value in step.state().items()}, torch.get_rng_state())
        try:
            return searching(step, batch, number, 16)
        finally:
            fits["after"] = (step.state(), torch.get_rng_state())

    from aaecli.training import out_of_memory

    searching = out_of_memory._fitting
    monkeypatch.setattr(out_of_memory, "_fitting", lambda step, batch, number, size: kept(step, batch, number))
    assert advice(step, batch) == "--batch-size 8 fits."
    (before, random), (after, random_after) = fits["before"], fits["after"]
    assert list(after) == list(before)
    for name, value in before.items():
        assert torch.equal(after[name], value), name
    assert torch.equal(random_after, random)
    assert all(weight.grad is None for weight in step.networks.parameters())


def test_a_recorded_step_is_tried_until_it_is_recorded(small_config):
    step = make_step(small_config())
    assert step.num_until_steady == 2
    step._take = object.__new__(Captured)
    assert step.num_until_steady == WARM_UP + 2


def test_other_errors_stay_what_they_are(small_config):
    step = make_step(small_config())
    with pytest.raises(ValueError, match="another"), suggesting_what_fits(step, make_batch(), 0):
        raise ValueError("another")
