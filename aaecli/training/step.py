"""One training step: reconstruction, regularisation, classification, in the order of the article (part 4).

Two ways of taking it. ``alternating`` is the article's: each phase encodes anew and moves its own weights with its own
optimiser. ``joint`` encodes once, adds the phases up and moves everything at once: the same terms at less than half
the work. A term whose weight is 0, or whose network the model lacks, is not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from aaecli.config.models import FAMILY
from aaecli.config.registries import AUGMENTATIONS
from aaecli.config.schema import Config
from aaecli.models.batch import Batch, to_float
from aaecli.models.devices import autocast
from aaecli.models.networks import Encoding, Networks
from aaecli.models.priors import Priors
from aaecli.training.cuda_graph import WARM_UP, Captured
from aaecli.training.distributed.world import ALONE, World
from aaecli.training.ema import EMA, decay_at
from aaecli.training.learning_rate import set_rates
from aaecli.training.optimisers import make_optimisers
from aaecli.training.terms.acting import columns, make_terms
from aaecli.training.terms.term import Context, LossTerm


class Step:
    """The step function with all that it carries from one step to the next.

    Args:
        networks: The networks to train, on the device to train on.
        config: The settings.
        num_steps: Length of the schedule, in steps.
        dtype: Type of the matrix products: float32 or bfloat16.
        label_frequency: float32 (K,), how often the categorical prior draws each class; None for all alike.
        world: The processes that take the step together, each with its share of the images.

    Attributes:
        ema: Moving averages of encoder and decoder, in evaluation mode; None where the settings ask for none.
        terms: The loss terms that act, by name, in the order of the registry.
        optimisers: By the name of what they minimise.
    """

    def __init__(
        self,
        networks: Networks,
        config: Config,
        num_steps: int,
        dtype: torch.dtype,
        label_frequency: Tensor | None = None,
        world: World = ALONE,
    ) -> None:
        self.networks = networks
        self.config = config
        self.world = world
        self.num_steps = num_steps
        self.dtype = dtype
        self.device = next(networks.parameters()).device
        self.num_classes = networks.num_classes
        self.augmented_fraction = config.augmentation.augmented_fraction()
        self.changes = [(AUGMENTATIONS[name], config.augmentation.bounds[name]) for name in config.augmentation.acting]
        self.ema = EMA(networks) if config.optimiser.ema_decay else None
        self.priors = Priors(
            config.prior, config.network.style_dim, self.num_classes, self.device, frequency=label_frequency
        )
        self.class_marginal = torch.full((self.num_classes,), 1 / self.num_classes, device=self.device)
        if self.priors.label_frequency is not None:
            self.class_marginal.copy_(self.priors.label_frequency)
        self.terms = make_terms(config)
        self._weight = {
            column: config.objective.weights.get(name, 1.0)
            for name, term in self.terms.items()
            for column in columns(name, term)
        }
        self._captures = captures = config.cuda_graph and self.device.type == "cuda"
        self.optimisers = make_optimisers(networks, config.optimiser, rates_as_tensors=captures)
        # Everything up to the losses is one graph without a break; autograd compiles its backward pass with it.
        self._joint_losses = torch.compile(self._add_up, fullgraph=True) if config.compile else self._add_up
        self._take = self._whole_step()

    def __call__(self, batch: Batch, number: int) -> dict[str, Tensor]:
        """Take step ``number`` (from 0).

        Returns:
            The loss of each term before the update, unweighted, detached, still on the device.
        """
        set_rates(self.optimisers, self.config.optimiser, number, self.num_steps)
        self.networks.train()
        losses = self._take(batch)
        if self.ema is not None:
            self.ema.move(self.networks, decay_at(number, self.config.optimiser.ema_decay))
        return {name: loss.detach() for name, loss in losses.items()}

    def drop_term(self, name: str) -> None:
        """Compute a loss term no longer."""
        self.terms.pop(name, None)
        self._take = self._whole_step()

    def _whole_step(self) -> Callable[[Batch], dict[str, Tensor]]:
        take = self._alternating if self.config.optimiser.update == "alternating" else self._joint
        return Captured(take, self.optimisers.values()) if self._captures else take

    @property
    def num_until_steady(self) -> int:
        """Steps from the first one until every further one takes the same memory."""
        return 2 + (WARM_UP if isinstance(self._take, Captured) else 0)

    def state(self) -> dict[str, Tensor]:
        """Give every tensor that a step moves, by name; none of them a copy."""
        tensors = {f"networks.{name}": value for name, value in self.networks.state_dict().items()}
        if self.ema is not None:
            tensors |= {f"ema.{name}": value for name, value in self.ema.state_dict().items()}
        for name, optimiser in self.optimisers.items():
            for index, kept in enumerate(optimiser.state.values()):
                tensors |= {f"{name}.{index}.{key}": value for key, value in kept.items()}
            rates = [group["lr"] for group in optimiser.param_groups if isinstance(group["lr"], Tensor)]
            tensors |= {f"{name}.rate.{index}": rate for index, rate in enumerate(rates)}
        return tensors | {"class_marginal": self.class_marginal}

    def forget_gradients(self) -> None:
        """Give back the memory of all gradients."""
        for weight in self.networks.parameters():
            weight.grad = None

    # The two ways of taking a step.

    def _joint(self, batch: Batch) -> dict[str, Tensor]:
        return self._update("joint", self._joint_losses(batch))

    def _add_up(self, batch: Batch) -> dict[str, Tensor]:
        """Give the losses of all terms after one pass of the encoder."""
        parts = [to_float(part) for part in (batch.unlabelled, batch.labelled) if part is not None]
        image = torch.cat(parts)
        num_unlabelled = 0 if batch.unlabelled is None else len(batch.unlabelled)
        # The labelled images are reconstructed and matched to the priors only where there are no unlabelled ones.
        num_free = num_unlabelled or len(image)
        seen = self._augmented(parts)  # (U + L, C, H, W)
        with autocast(self.device, self.dtype):
            encoding = self._with_true_label(self.networks.encoder(seen), batch.label)
            if batch.label is None:
                named, label = None, None
            elif batch.pool_label is None:
                named, label = encoding.part(num_unlabelled, None), batch.label
            else:
                named, label = encoding, torch.cat([batch.pool_label, batch.label])
            free = encoding.part(0, num_free)
            context = self._context(batch, image[:num_free], free)._replace(
                matched=self._unaugmented(free),
                num_decoded=min(self.config.schedule.decoder_batch_size or num_free, num_free),
                named=named,
                label=label,
            )
            return self._losses(self.terms, context)

    def _alternating(self, batch: Batch) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = {}
        stored, label = (batch.labelled, batch.label) if batch.unlabelled is None else (batch.unlabelled, None)
        if stored is not None and self.networks.decoder is not None:
            image = to_float(stored)
            losses |= self._phase("reconstruction", self._context(batch, image, self._encode(image, label)))
            # The discriminators' update leaves the encoder as it is, so one encoding serves both halves.
            context = self._context(batch, image, self._encode(image, label))
            losses |= self._phase("discrimination", context)
            losses |= self._phase("regularisation", context)
        if batch.labelled is not None and batch.label is not None:
            image = to_float(batch.labelled)
            encoding = self._encode(image, None)
            context = self._context(batch, image, encoding)._replace(named=encoding, label=batch.label)
            losses |= self._phase("classification", context)
        return losses

    def _phase(self, name: str, context: Context) -> dict[str, Tensor]:
        """Compute the terms of one of the article's updates, and take it."""
        terms = {term: call for term, call in self.terms.items() if call.phase == name}
        return self._update(name, self._losses(terms, context))

    def _context(self, batch: Batch, image: Tensor, encoding: Encoding) -> Context:
        """Put together what the terms look at; as it is, every image is reconstructed and matched to the priors."""
        teacher = None if self.ema is None else self.ema.encoder
        return Context(
            self.config,
            self.networks,
            teacher,
            self.priors,
            self.class_marginal,
            batch,
            image,
            encoding,
            matched=encoding,
            num_decoded=len(image),
            teacher_head=self.ema.teacher_head if self.ema is not None and "consistency" in self.terms else None,
            over_processes=self.world.mean,
        )

    def _losses(self, terms: Mapping[str, LossTerm], context: Context) -> dict[str, Tensor]:
        """Compute terms in order; gives the losses by column of metrics.csv."""
        losses: dict[str, Tensor] = {}
        for name, term in terms.items():
            found = term(context)
            if isinstance(found, Tensor):
                losses[name] = found
            elif found is not None:
                losses |= {f"{part}_{name}": loss for part, loss in found.items()}
        return losses

    def _update(self, name: str, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        if losses:
            optimiser = self.optimisers[name]
            optimiser.zero_grad()
            torch.stack([self._weight[column] * loss for column, loss in losses.items()]).sum().backward()  # type: ignore[no-untyped-call]
            if self.world.size > 1:
                losses = self._average(optimiser, losses)
            optimiser.step()
        return losses

    def _average(self, optimiser: torch.optim.Optimizer, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        """Replace the gradients of what an optimiser moves by their means over the processes; gives those of losses."""
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        means = {name: loss.detach().clone() for name, loss in losses.items()}
        self.world.mean_([*(weight.grad for weight in weights if weight.grad is not None), *means.values()])
        return means

    def _encode(self, image: Tensor, label: Tensor | None) -> Encoding:
        with autocast(self.device, self.dtype):
            return self._with_true_label(self.networks.encoder(image), label)

    def _with_true_label(self, encoding: Encoding, label: Tensor | None) -> Encoding:
        """Add the true label (B,) where the decoder is to be told it."""
        if label is None or FAMILY[self.config.model].decoder_label != "true":
            return encoding
        return encoding._replace(true_label=F.one_hot(label, self.num_classes).float())

    def _unaugmented(self, encoding: Encoding) -> Encoding:
        """Leave out the styles of augmented images, where some images stay as they are.

        It is the styles of these that have to look like the prior: whoever uses the model shows it such images.
        """
        if encoding.style is None:
            return encoding
        num_kept = len(encoding.style) - self._num_augmented(len(encoding.style))
        return encoding._replace(style=encoding.style[: num_kept or None])

    def _num_augmented(self, count: int) -> int:
        """Of ``count`` images that come in together, the number of those at the end that are changed."""
        return round(count * self.augmented_fraction)

    def _augmented(self, parts: list[Tensor]) -> Tensor:
        """Join the parts of a step's images (B, C, H, W), the last ones of each part changed as the settings ask."""
        nums = [self._num_augmented(len(part)) for part in parts]
        if not any(nums):
            return torch.cat(parts)
        kept = [part[: len(part) - num] for part, num in zip(parts, nums, strict=True)]
        changed = self._augment(torch.cat([part[len(part) - num :] for part, num in zip(parts, nums, strict=True)]))
        return torch.cat([piece for pair in zip(kept, torch.split(changed, nums), strict=True) for piece in pair])

    def _augment(self, image: Tensor) -> Tensor:
        """Change images (B, C, H, W) as the settings ask; what they leave at 0 costs nothing."""
        for change, options in self.changes:
            image = change(image, options)
        return image
