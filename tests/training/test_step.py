"""The step: what each phase moves, what each model computes, and that it never leaves its device."""

from __future__ import annotations

import copy
import dataclasses
import functools

import pytest
import torch

from aaecli.config.augmentation import Augmentation
from aaecli.config.models import FAMILY
from aaecli.config.objective import Objective
from aaecli.config.resolve import resolve
from aaecli.config.schema import Config
from aaecli.models.batch import Batch, to_float
from aaecli.models.networks import Encoding, Networks
from aaecli.training import losses as objectives
from aaecli.training.learning_rate import set_rates
from aaecli.training.optimisers import make_optimisers
from aaecli.training.step import Step
from aaecli.training.terms.consistency import ConsistencyOptions

SHAPE, NUM_CLASSES = (1, 28, 28), 10


def make_step(config, device="cpu"):
    torch.manual_seed(0)
    with torch.device(device):
        networks = Networks(config.model, SHAPE, config.label_dim(NUM_CLASSES), config.network)
    return Step(networks, config, 10, torch.float32)


def make_batch(model="semisupervised", device="cpu"):
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(256, (24, *SHAPE[1:]), dtype=torch.uint8, generator=generator).to(device)
    label = torch.arange(8, device=device)
    row = FAMILY[model]
    labelled = (image[16:], label) if row.uses_labels else (None, None)
    return Batch(image[:16] if row.sees_unlabelled else None, *labelled)


def with_teacher_head(config):
    """Give settings with a teacher that is sure of every image."""
    options = {"consistency": ConsistencyOptions(confidence_threshold=0.0)}
    network = dataclasses.replace(config.network, teacher_head=True)
    return dataclasses.replace(
        config, network=network, objective=dataclasses.replace(config.objective, options=options)
    )


def context_of(step, image=None, encoding=None):
    """What the terms of a step look at."""
    image = torch.rand(16, *SHAPE) if image is None else image
    return step._context(make_batch(step.config.model), image, encoding or step.networks.encoder(image))


class Watching:
    """A term that notes down what it is shown."""

    def __init__(self, term, seen):
        self.term, self.seen = term, seen

    def __call__(self, context):
        self.seen.append(context)
        return self.term(context)


def weights(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def moved(step, before):
    """Name the networks of which any weight has changed."""
    after = step.networks.state_dict()
    return {name.split(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}


@pytest.mark.parametrize("preset", ["best", "default", "paper", "pictures", "tutorial"])
@pytest.mark.parametrize("model", FAMILY)
def test_the_step_runs_on_the_meta_device(preset, model):
    # Any tensor made on another device, and any value copied back to the host, raises here.
    step = make_step(resolve(preset=preset, flags={"model": model}), "meta")
    batch = make_batch(model, "meta")
    told = None if batch.unlabelled is None else torch.zeros(len(batch.unlabelled), dtype=torch.int64, device="meta")
    for number, given in enumerate((batch, batch._replace(propagated_label=told))):
        losses = step(given, number)
        assert losses
        assert all(loss.device.type == "meta" and loss.shape == () for loss in losses.values())


def test_labels_are_to_be_as_frequent_as_the_prior_says(small_config):
    config = small_config(
        "default", objective={"mutual_information": 1.0, "mutual_information_options": {"marginal_entropy": 4.0}}
    )
    frequency = torch.arange(1, 1 + NUM_CLASSES) / 55
    logits = torch.randn(16, NUM_CLASSES, generator=torch.Generator().manual_seed(0))
    step = Step(make_step(config).networks, config, 10, torch.float32, frequency)
    loss = step.terms["mutual_information"](context_of(step, encoding=Encoding(logits, None)))
    assert loss == objectives.mutual_information(logits, 4.0, frequency)
    assert loss != objectives.mutual_information(logits, 4.0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reconstruction", {"encoder", "decoder"}),
        ("discrimination", {"style_discriminator", "label_discriminator"}),
        ("regularisation", {"encoder"}),
        ("classification", {"encoder"}),
    ],
)
def test_each_alternating_phase_moves_only_what_it_may(small_config, monkeypatch, name, expected):
    step = make_step(small_config("tutorial"))
    for other, optimiser in step.optimisers.items():
        if other != name:
            monkeypatch.setattr(optimiser, "step", lambda: None)
    before = weights(step.networks)
    step(make_batch(), 0)
    assert moved(step, before) == expected


def test_the_joint_step_moves_every_network(small_config):
    step = make_step(small_config("default"))
    before = weights(step.networks)
    step(make_batch(), 0)
    assert moved(step, before) == {"encoder", "decoder", "style_discriminator", "label_discriminator"}


def test_the_decoder_redraws_as_many_images_as_it_is_told(small_config):
    step = make_step(small_config("default", schedule={"steps": 6, "batch_size": 16, "decoder_batch_size": 5}))
    seen = []
    step.networks.decoder.body.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    step(make_batch(), 0)
    assert seen == [5, step.config.schedule.generated_batch_size]


def test_the_encoders_loss_leaves_the_discriminators_without_gradient(small_config):
    step = make_step(small_config("default"))
    image = torch.rand(16, *SHAPE)
    losses = step.terms["regularisation"](context_of(step, encoding=step.networks.encoder(image)))
    sum(losses.values()).backward()
    assert all(weight.grad is None for weight in step.networks.style_discriminator.parameters())
    assert all(weight.grad is None for weight in step.networks.label_discriminator.parameters())
    assert all(weight.grad is not None for weight in step.networks.encoder.parameters())


def test_the_discriminators_loss_leaves_the_encoder_without_gradient(small_config):
    step = make_step(small_config("default"))
    losses = step.terms["discrimination"](context_of(step, encoding=step.networks.encoder(torch.rand(16, *SHAPE))))
    sum(losses.values()).backward()
    assert all(weight.grad is None for weight in step.networks.encoder.parameters())
    assert all(weight.grad is not None for weight in step.networks.style_discriminator.parameters())


def test_the_terms_of_a_step_follow_the_model_and_the_weights(small_config):
    everything = {
        "reconstruction",
        "style_discrimination",
        "label_discrimination",
        "style_regularisation",
        "label_regularisation",
        "classification",
    }
    assert set(make_step(small_config("tutorial"))(make_batch(), 0)) == everything
    beyond = {"consistency", "generation"}
    assert set(make_step(small_config("default"))(make_batch(), 0)) == everything | beyond
    baseline = small_config("tutorial", model="baseline")
    assert set(make_step(baseline)(make_batch("baseline"), 0)) == {"classification"}
    config = small_config("default")
    bare = dataclasses.replace(config, objective=config.objective.changed(regularisation=0.0))
    assert set(make_step(bare)(make_batch(), 0)) == {"reconstruction", "classification"} | beyond


def test_generation_teaches_the_decoder_and_no_other(small_config):
    step = make_step(small_config("default"))
    step.terms["generation"](context_of(step)).backward()
    with_gradient = {name.split(".")[0] for name, weight in step.networks.named_parameters() if weight.grad is not None}
    assert with_gradient == {"decoder"}
    assert all(weight.grad is None for weight in step.ema.parameters())


@pytest.mark.parametrize("term", ["classification", "consistency"])
@pytest.mark.parametrize("has_own_head", [False, True])
def test_a_head_of_the_teachers_own_learns_from_true_labels_alone(small_config, has_own_head, term):
    step = make_step(with_teacher_head(small_config("default")) if has_own_head else small_config("default"))
    step.networks.train()
    encoding = step.networks.encoder(torch.rand(16, *SHAPE))
    named = {"named": encoding.part(0, 8), "label": torch.arange(8)}
    step.terms[term](context_of(step, encoding=encoding)._replace(**named)).backward()
    taught = {name for name, weight in step.networks.named_parameters() if weight.grad is not None}
    assert "encoder.label_head.weight" in taught
    assert any(name.startswith("encoder.body") for name in taught)
    assert ("teacher_head.weight" in taught) is (has_own_head and term == "classification")


def test_the_teacher_answers_with_its_own_head_as_long_as_it_labels_images(small_config, monkeypatch):
    step = make_step(with_teacher_head(small_config("default")))
    asked = []
    monkeypatch.setattr(
        step.ema.teacher_head, "forward", lambda features: asked.append(len(features)) or features[:, :10]
    )
    step(make_batch(), 0)
    assert asked == [16]
    # Where nothing is labelled by it any more, the labelled images teach the label head alone, as without.
    step.drop_term("consistency")
    before = weights(step.networks.teacher_head)
    step(make_batch(), 1)
    assert asked == [16]
    assert all(torch.equal(value, before[name]) for name, value in weights(step.networks.teacher_head).items())


def test_the_teachers_head_is_averaged_and_is_not_saved(small_config):
    config = with_teacher_head(small_config("default"))
    step = make_step(config)
    step(make_batch(), 0)
    own, live = step.ema.teacher_head.weight, step.networks.teacher_head.weight
    assert not torch.equal(own, live)
    assert not any("teacher_head" in name for name in step.ema.encoder.state_dict())


def test_a_baseline_has_an_encoder_and_nothing_else(small_config):
    networks = make_step(small_config("tutorial", model="baseline")).networks
    assert {name for name, _ in networks.named_children()} == {"encoder"}
    assert networks.encoder(torch.rand(2, 1, *SHAPE)).style is None


def test_the_average_follows_the_weights_and_stays_out_of_the_gradient(small_config):
    step = make_step(small_config("default"))
    start = copy.deepcopy(step.ema)
    for number in range(3):
        step(make_batch(), number)
    name, kept = next(iter(step.ema.named_parameters()))
    live = step.networks.get_parameter(name)
    first = start.get_parameter(name)
    assert (kept - live).abs().max() < (first - live).abs().max()
    assert not kept.requires_grad
    assert not step.ema.training


def test_where_every_label_is_known_all_images_are_classified_and_no_teacher_is_asked(small_config):
    batch, step = make_batch(), make_step(small_config("default"))
    known = torch.arange(16) % NUM_CLASSES
    losses = step._add_up(batch._replace(pool_label=known))
    assert "consistency" not in losses
    torch.manual_seed(1)
    seen = step._augmented([to_float(batch.unlabelled), to_float(batch.labelled)])
    logits = step.networks.encoder(seen).label_logits
    torch.manual_seed(1)
    expected = torch.nn.functional.cross_entropy(logits, torch.cat([known, batch.label]))
    torch.testing.assert_close(step._add_up(batch._replace(pool_label=known))["classification"], expected)


@pytest.mark.parametrize("alignment", ["to the prior", "even", ""])
@pytest.mark.parametrize("pseudo_labels", ["hard", "soft"])
def test_the_teacher_names_images_as_the_settings_ask(small_config, pseudo_labels, alignment):
    config = small_config("default")
    asked = {"pseudo_labels": pseudo_labels, "distribution_alignment": bool(alignment), "confidence_threshold": 0.0}
    objective = Objective.from_table({**config.objective.weights, "consistency_options": asked})
    frequency = torch.arange(1.0, NUM_CLASSES + 1) / 55 if alignment == "to the prior" else None
    config = dataclasses.replace(config, objective=objective)
    step = Step(make_step(config).networks, config, 10, torch.float32, frequency)
    step.class_marginal.copy_(torch.arange(1.0, NUM_CLASSES + 1) / sum(range(1, NUM_CLASSES + 1)))
    image = torch.rand(16, *SHAPE)
    prob = step.ema.encoder(image).label_logits.softmax(1)
    average = step.class_marginal.lerp(prob.mean(0), 0.01)
    if alignment:
        prob = objectives.align(prob, average, frequency)
    log_prob = step.networks.encoder(image).label_logits.log_softmax(1)
    target = prob if pseudo_labels == "soft" else torch.nn.functional.one_hot(prob.argmax(1), NUM_CLASSES)
    found = step.terms["consistency"](context_of(step, image=image, encoding=Encoding(log_prob, None)))
    torch.testing.assert_close(found, -(target * log_prob).sum(1).mean())


def test_rates_rise_then_fall(small_config):
    config = small_config("default")
    step = make_step(config)

    def rate(number):
        set_rates(step.optimisers, config.optimiser, number, 1000)
        return step.optimisers["joint"].param_groups[0]["lr"]

    assert config.optimiser.warmup_steps == 100
    assert rate(0) == pytest.approx(config.optimiser.lr / 100, rel=1e-3)
    assert rate(99) > 0.9 * config.optimiser.lr
    assert rate(999) < 1e-4 * config.optimiser.lr


@pytest.mark.parametrize("preset", ["default", "tutorial"])
def test_rates_kept_on_the_device_move_weights_as_numbers_do(small_config, preset):
    config = small_config(preset)
    plain, other = make_step(config), make_step(config)
    other.optimisers = make_optimisers(other.networks, config.optimiser, rates_as_tensors=True)
    rates = [group["lr"] for optimiser in other.optimisers.values() for group in optimiser.param_groups]
    for step in (plain, other):
        torch.manual_seed(0)
        for number in range(3):
            step(make_batch(), number)
    for name, weight in plain.networks.state_dict().items():
        torch.testing.assert_close(other.networks.state_dict()[name], weight, msg=name)
    # A recorded step reads the rate where it was.
    kept = [group["lr"] for optimiser in other.optimisers.values() for group in optimiser.param_groups]
    assert all(rate is before for rate, before in zip(kept, rates, strict=True))


def test_weight_decay_pulls_matrices_only(small_config):
    step = make_step(small_config("default"))
    for group in step.optimisers["joint"].param_groups:
        matrices = {weight.ndim > 1 for weight in group["params"]}
        assert len(matrices) == 1
        assert (group["weight_decay"] > 0) == matrices.pop()


def test_a_compiled_step_is_one_graph_and_gives_the_same_losses(small_config, monkeypatch):
    # What is tested is that the step can be captured whole; what a compiler makes of it is the compiler's to test.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    plain, compiled = make_step(small_config("default")), make_step(small_config("default", compile=True))
    for number in range(2):
        torch.manual_seed(number)
        expected = plain(make_batch(), number)
        torch.manual_seed(number)
        found = compiled(make_batch(), number)
        assert {name: float(loss) for name, loss in found.items()} == pytest.approx(
            {name: float(loss) for name, loss in expected.items()}
        )


@pytest.mark.parametrize(("share", "kept"), [(0.0, (12, 4)), (0.75, (3, 1)), (1.0, (0, 0))])
def test_the_first_images_of_each_part_stay_as_they_are_and_the_others_are_changed(share, kept):
    augmentation = {"rotation": 20.0, "cutout": 9, "contrast": 0.5, "fraction": share}
    step = make_step(Config(augmentation=Augmentation.from_table(augmentation)))
    parts = [torch.rand(12, *SHAPE), torch.rand(4, *SHAPE)]
    same = (step._augmented(parts) == torch.cat(parts)).flatten(1).all(1)
    assert same.tolist() == [place < num for part, num in zip(parts, kept, strict=True) for place in range(len(part))]


@pytest.mark.parametrize(
    "asked",
    [
        {"rotation": 20.0},
        {"horizontal_flip": True},
        {"stroke_width": 0.5},
        {"brightness": 0.5},
        {"contrast": 0.5},
        {"cutout": 9},
    ],
)
def test_each_change_comes_about_by_itself(asked):
    step = make_step(Config(augmentation=Augmentation.from_table(asked)))
    image = torch.rand(12, *SHAPE)
    assert not torch.equal(step._augmented([image]), image)


def test_the_style_prior_holds_the_images_that_stay_as_they_are(small_config, monkeypatch):
    step = make_step(small_config("default", augmentation={"fraction": 0.75}))
    judged = []
    monkeypatch.setitem(step.terms, "regularisation", Watching(step.terms["regularisation"], judged))
    step(make_batch(), 0)
    encoding = judged[0].matched
    assert (len(encoding.style), len(encoding.label())) == (4, 16)


@pytest.mark.parametrize("update", ["joint", "alternating"])
def test_the_decoders_statistics_are_those_of_the_images_that_it_redraws(small_config, update):
    # Once more, alternating encodes what moved the encoder before: the first phase is the reconstruction.
    config = small_config("default", optimiser={"update": update, "ema_decay": 0.9})
    alone = make_step(dataclasses.replace(config, objective=config.objective.changed(generation=0.0)))
    drawing = make_step(config)
    for step in (alone, drawing):
        torch.manual_seed(0)
        losses = step(make_batch(), 0)
        assert ("generation" in losses) == (step is drawing)
    buffers = dict(drawing.networks.decoder.named_buffers())
    assert any(bool((value != 0).any()) for name, value in buffers.items() if name.endswith("running_mean"))
    for name, value in alone.networks.decoder.named_buffers():
        assert torch.equal(value, buffers[name]), name


def test_a_drawing_in_training_is_what_the_decoder_draws_once_trained(small_config):
    decoder = make_step(small_config("default")).networks.decoder.train()
    decoder(torch.randn(32, NUM_CLASSES + 3))
    latent = torch.randn(5, NUM_CLASSES + 3)
    drawn = decoder.decode_with_running_statistics(latent)
    assert drawn.requires_grad
    torch.testing.assert_close(drawn, decoder.eval()(latent))


@pytest.mark.parametrize("preset", ["default", "best"])
def test_heads_answer_in_float32_whatever_the_products_before_them_ran_in(small_config, monkeypatch, preset):
    networks = make_step(small_config(preset)).networks
    image = torch.rand(16, *SHAPE)
    hidden = []
    features = networks.encoder.body.features
    monkeypatch.setattr(networks.encoder.body, "features", lambda image: hidden.append(features(image)) or hidden[-1])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        encoding = networks.encoder(image)
        judged = networks.style_discriminator.eval()(encoding.style)
        assert torch.is_autocast_enabled("cpu")
    assert hidden[0].dtype == torch.bfloat16
    encoder = networks.encoder
    for head, found in ((encoder.label_head, encoding.label_logits), (encoder.style_head, encoding.style)):
        assert torch.equal(found, head(hidden[0].float()))
    # Rounded to bfloat16, each of them would be a multiple of a power of two.
    for logits in (encoding.label_logits, encoding.style, judged):
        assert logits.dtype == torch.float32
        assert not torch.equal(logits, logits.bfloat16().float())


def test_what_a_step_moves_is_in_its_state(small_config):
    step = make_step(small_config("default"))
    step(make_batch(), 0)
    before = {name: value.clone() for name, value in step.state().items()}
    step(make_batch(), 1)
    moved_parts = {name.split(".")[0] for name, value in step.state().items() if not torch.equal(value, before[name])}
    assert moved_parts == {"networks", "ema", "joint", "class_marginal"}
