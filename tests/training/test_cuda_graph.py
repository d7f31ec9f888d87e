"""Recording a step: what can be seen of it without a GPU. The rest is in ``test_cuda.py``."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest
import torch

from aaecli.errors import AaeError
from aaecli.models.batch import Batch
from aaecli.training.cuda_graph import Captured
from tests.training.test_step import make_batch, make_step


class FakeGraph:
    """A graph that records nothing and counts how often it is replayed."""

    num_replays = 0

    def replay(self):
        self.num_replays += 1


@pytest.fixture
def graphs(monkeypatch):
    """Stand in for CUDA; gives the graphs made."""
    made = []

    def new_graph():
        made.append(FakeGraph())
        return made[-1]

    stream = SimpleNamespace(wait_stream=lambda other: None)
    stands_in = {
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": contextlib.nullcontext,
        "graph": lambda graph, stream: contextlib.nullcontext(),
        "CUDAGraph": new_graph,
    }
    for name, value in stands_in.items():
        monkeypatch.setattr(torch.cuda, name, value)
    return made


class Take:
    """A step that notes the images it was given and whether its optimiser was told of a recording."""

    def __init__(self):
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.optimiser = torch.optim.AdamW([self.weight])
        self.seen = []
        self.told = []

    def __call__(self, batch):
        self.seen.append(batch)
        self.told.append(self.optimiser.param_groups[0]["capturable"])
        return {"first": batch.unlabelled.sum() + self.weight, "second": batch.unlabelled.sum() * 2}


def batch_of(value, count=3):
    return Batch(torch.full((count,), float(value)), None, None)


def about_to_record():
    take = Take()
    step = Captured(take, [take.optimiser])
    for _ in range(3):
        step(batch_of(1))
    return take, step


def test_after_some_plain_steps_one_is_recorded_and_from_there_on_replayed(graphs):
    take = Take()
    step = Captured(take, [take.optimiser])
    for number in range(3):
        losses = step(batch_of(number))
        assert {name: float(loss) for name, loss in losses.items()} == {"first": 3 * number, "second": 6 * number}
        assert not any(loss.requires_grad for loss in losses.values())
        assert not step.is_recorded
    for _ in range(4):
        step(batch_of(5))
    assert step.is_recorded
    assert len(take.seen) == 4
    (graph,) = graphs
    assert graph.num_replays == 4  # recording alone moves no weight
    assert take.told == [False, False, False, True]
    assert not take.optimiser.param_groups[0]["capturable"]


def test_a_replay_reads_the_batch_it_is_given_and_keeps_its_losses(graphs):
    take = Take()
    step = Captured(take, [take.optimiser])
    for _ in range(4):
        given = batch_of(1)
        step(given)
    recorded = take.seen[-1]
    assert recorded.unlabelled is not given.unlabelled
    first, _ = (step(batch_of(value)) for value in (7, 8))
    assert recorded.unlabelled.tolist() == [8, 8, 8]
    step._recording.losses.fill_(-1)
    assert float(first["first"]) == 3  # as recorded, and no view of what the next replay writes


def test_a_batch_of_another_shape_is_recorded_anew(graphs):
    take = Take()
    step = Captured(take, [take.optimiser])
    for _ in range(5):
        step(batch_of(1))
    step(batch_of(1, count=2))
    assert not step.is_recorded
    for _ in range(4):
        step(batch_of(1)._replace(propagated_label=torch.zeros(3)))
    assert step.is_recorded
    assert len(graphs) == 2


def test_what_cannot_be_recorded_is_told_with_the_remedy(graphs):
    _, step = about_to_record()

    def fail(batch):
        raise RuntimeError("operation not permitted when stream is capturing\nsearch for it elsewhere")

    step._take = fail
    with pytest.raises(AaeError, match=r"operation not permitted when stream is capturing") as caught:
        step(batch_of(1))
    assert "--no-cuda-graph" in caught.value.hint


@pytest.mark.parametrize("end_fails", [False, True])
def test_a_lack_of_memory_while_recording_stays_one(graphs, monkeypatch, end_fails):
    @contextlib.contextmanager
    def recording(graph, stream):
        try:
            yield
        finally:
            if end_fails:
                raise RuntimeError("capture was invalidated")

    monkeypatch.setattr(torch.cuda, "graph", recording)
    _, step = about_to_record()

    def fail(batch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    step._take = fail
    with pytest.raises(torch.OutOfMemoryError):
        step(batch_of(1))


def test_a_recording_that_fails_leaves_the_optimisers_as_they_were(graphs):
    take, step = about_to_record()
    take.seen = None
    with pytest.raises(AttributeError):
        step(batch_of(1))
    assert not take.optimiser.param_groups[0]["capturable"]
    assert not step.is_recorded


@pytest.fixture
def replaying(graphs, monkeypatch):
    """Have the stand-in do nothing while recording, as a GPU does, and the step at each replay."""

    def attach(captured, step):
        @contextlib.contextmanager
        def recording(graph, stream):
            known = {name: value.clone() for name, value in step.state().items()}
            random = torch.get_rng_state()
            yield
            with torch.no_grad():
                for name, value in step.state().items():
                    value.copy_(known[name])
            torch.set_rng_state(random)

            def replay():
                graph.num_replays += 1
                losses = captured._take(captured._recording.batch)
                captured._recording.losses.copy_(torch.stack([loss.detach() for loss in losses.values()]))

            graph.replay = replay

        monkeypatch.setattr(torch.cuda, "graph", recording)

    return attach


@pytest.mark.parametrize("preset", ["default", "best", "tutorial"])
def test_a_recorded_step_learns_what_a_plain_one_does(small_config, graphs, replaying, preset):
    plain, recorded = make_step(small_config(preset)), make_step(small_config(preset))
    recorded._take = Captured(recorded._take, recorded.optimisers.values())
    replaying(recorded._take, recorded)
    batch, told = make_batch(), torch.arange(16) % 10
    batches = [batch] * 6 + [batch._replace(propagated_label=told)] * 6 + [batch] * 5
    found = []
    for step in (plain, recorded):
        torch.manual_seed(1)
        found.append([{name: float(loss) for name, loss in step(given, n).items()} for n, given in enumerate(batches)])
    assert isinstance(recorded._take, Captured)
    assert not isinstance(plain._take, Captured)
    assert [graph.num_replays for graph in graphs] == [3, 3, 2]
    assert found[0] == found[1]
    state = plain.state()
    assert all(torch.equal(value, state[name]) for name, value in recorded.state().items())
