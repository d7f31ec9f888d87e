"""One training step: reconstruction, regularisation, classification, in the order of the article (part 4).

Two ways of taking it. ``alternating`` is the article's: each phase encodes anew and moves its own weights with its own
optimiser. ``joint`` encodes once, adds the phases up and moves everything at once: the same terms at less than half
the work. A term whose weight is 0, or whose network the model lacks, is not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aaecli.config.models import FAMILY
from aaecli.config.schema import Config
from aaecli.models import priors
from aaecli.models.batch import Batch, to_float
from aaecli.models.devices import autocast
from aaecli.models.networks import Encoder, Encoding, Networks
from aaecli.training import losses as objectives
from aaecli.training.augmentation import brightness_and_contrast, cutout, stroke_width, warp
from aaecli.training.cuda_graph import WARM_UP, Captured
from aaecli.training.optimisers import EMA, make_optimisers, set_rates


def uses_teacher(config: Config) -> bool:
    """Whether the averaged encoder labels images for the ``consistency`` term."""
    named = FAMILY[config.model].encodes_label and FAMILY[config.model].sees_unlabelled
    joint = config.optimiser.update == "joint"
    return named and joint and config.optimiser.ema_decay > 0 and config.objective.consistency > 0


class Step:
    """The step function with all that it carries from one step to the next.

    Args:
        networks: The networks to train, on the device to train on.
        config: The settings.
        num_steps: Length of the schedule, in steps.
        dtype: Type of the matrix products: float32 or bfloat16.
        label_frequency: float32 (K,), how often the categorical prior draws each class; None for all alike.

    Attributes:
        average: Moving averages of encoder and decoder, in evaluation mode; None where the settings ask for none.
        optimisers: By the name of what they minimise.
    """

    def __init__(
        self,
        networks: Networks,
        config: Config,
        num_steps: int,
        dtype: torch.dtype,
        label_frequency: Tensor | None = None,
    ) -> None:
        self.networks = networks
        self.config = config
        self.num_steps = num_steps
        self.dtype = dtype
        self.device = next(networks.parameters()).device
        self.num_classes = networks.num_classes
        self.augmented_fraction = config.augmentation.augmented_fraction()
        self.ema = EMA(networks) if config.optimiser.ema_decay else None
        self.label_frequency = None if label_frequency is None else label_frequency.to(self.device)
        self.class_marginal = torch.full((self.num_classes,), 1 / self.num_classes, device=self.device)
        if self.label_frequency is not None:
            self.class_marginal.copy_(self.label_frequency)
        captures = config.cuda_graph and self.device.type == "cuda"
        self.optimisers = make_optimisers(networks, config.optimiser, rates_as_tensors=captures)
        # Everything up to the losses is one graph without a break; autograd compiles its backward pass with it.
        self._joint_losses = torch.compile(self._add_up, fullgraph=True) if config.compile else self._add_up
        self._take = self._alternating if config.optimiser.update == "alternating" else self._joint
        if captures:
            self._take = Captured(self._take, self.optimisers.values())

    def __call__(self, batch: Batch, number: int) -> dict[str, Tensor]:
        """Take step ``number`` (from 0).

        Returns:
            The loss of each term before the update, unweighted, detached, still on the device.
        """
        set_rates(self.optimisers, self.config.optimiser, number, self.num_steps)
        self.networks.train()
        losses = self._take(batch)
        if self.ema is not None:
            # Early on the average would remember the random start, so it forgets faster then.
            self.ema.move(self.networks, min(self.config.optimiser.ema_decay, (number + 1) / (number + 10)))
        return {name: loss.detach() for name, loss in losses.items()}

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

    # The phases, each a function of what was encoded.

    def reconstruction_phase(self, encoding: Encoding, image: Tensor) -> dict[str, Tensor]:
        """Redraw the image (B, C, H, W) from its label and style, as far as the model has them."""
        if self.networks.decoder is None or not self.config.objective.reconstruction:
            return {}
        reconstructed = self.networks.decoder(encoding.latent())
        return {"reconstruction": objectives.reconstruction(reconstructed, image)}

    def discrimination_phase(self, encoding: Encoding) -> dict[str, Tensor]:
        """Regularisation, first half: teach the discriminators to tell codes from draws of the priors."""
        losses = {}
        if self.config.objective.regularisation:
            for name, discriminator, code, prior in self._adversarial_codes(encoding):
                losses[f"{name}_discrimination"] = objectives.discrimination(discriminator, prior(), code)
        return losses

    def regularisation_phase(self, encoding: Encoding) -> dict[str, Tensor]:
        """Regularisation, second half: have the encoder's codes taken for draws of the priors."""
        losses = {}
        if self.config.objective.regularisation:
            for name, discriminator, code, _ in self._adversarial_codes(encoding):
                losses[f"{name}_regularisation"] = objectives.regularisation(discriminator, code)
        return losses

    def classification_phase(self, encoding: Encoding, label: Tensor) -> dict[str, Tensor]:
        """Name the labelled images rightly."""
        if encoding.label_logits is None or not self.config.objective.classification:
            return {}
        return {"classification": objectives.classification(encoding.label_logits, label)}

    def consistency_phase(
        self, encoding: Encoding, image: Tensor, propagated_label: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Beyond the article: answer for warped images as the averaged teacher answers for the images unwarped.

        Where an image's neighbours say what it is, they are believed instead.
        """
        settings = self.config.objective
        if not uses_teacher(self.config) or self.ema is None or encoding.label_logits is None:
            return {}
        with torch.no_grad():
            prob = self._teacher_logits(self.ema.encoder, image).softmax(1)  # (U, K)
            self.class_marginal.lerp_(prob.mean(0), 0.01)
            if settings.distribution_alignment:
                prob = objectives.align(prob, self.class_marginal, self.label_frequency)
            if propagated_label is not None:
                condition = F.one_hot(propagated_label.clamp_min(0), self.num_classes).to(prob)
                prob = torch.where((propagated_label >= 0)[:, None], condition, prob)
        if settings.pseudo_labels == "soft":
            return {"consistency": objectives.soft_consistency(encoding.label_logits, prob)}
        return {"consistency": objectives.consistency(encoding.label_logits, prob, settings.confidence_threshold)}

    def mutual_information_phase(self, encoding: Encoding) -> dict[str, Tensor]:
        """Beyond the article: have the label tell as much of the image as it can."""
        settings = self.config.objective
        if encoding.label_logits is None or not settings.mutual_information:
            return {}
        missing = objectives.mutual_information(encoding.label_logits, settings.marginal_entropy, self.label_frequency)
        return {"mutual_information": missing}

    def generation_phase(self) -> dict[str, Tensor]:
        """Beyond the article: have what the decoder draws for a label and a style of the prior read as that label.

        The teacher reads the drawing warped, as the encoder does its images: that leaves no room for a faint pattern
        that sways the teacher and shows a person another digit.
        """
        decoder, traits = self.networks.decoder, FAMILY[self.config.model]
        is_symmetric = traits.encodes_label and traits.decoder_label == "encoded"
        if self.ema is None or decoder is None or not is_symmetric or not self.config.objective.generation:
            return {}
        count = self.config.schedule.generated_batch_size
        label = self._draw_label(count)  # (B, K)
        generated = decoder.decode_with_running_statistics(
            torch.cat([label, self._draw_style(count)], 1)
        )  # (B, C, H, W)
        answer = self._teacher_logits(self.ema.encoder, warp(generated, self.config.augmentation))
        return {"generation": objectives.classification(answer, label.argmax(1))}

    @staticmethod
    def _teacher_logits(teacher: Encoder, image: Tensor) -> Tensor:
        """Give the label logits (B, K) of a teacher that looks once at each image, whatever the test-time shift.

        Five looks make the step 1.8 times as long and teach no better.
        """
        return cast(Tensor, teacher.encode_once(image).label_logits)

    # The two ways of putting them together.

    def _joint(self, batch: Batch) -> dict[str, Tensor]:
        return self._update("joint", self._joint_losses(batch))

    def _add_up(self, batch: Batch) -> dict[str, Tensor]:
        """Give the losses of all phases after one pass of the encoder."""
        parts = [to_float(part) for part in (batch.unlabelled, batch.labelled) if part is not None]
        image = torch.cat(parts)
        num_unlabelled = 0 if batch.unlabelled is None else len(batch.unlabelled)
        seen = self._augmented(parts)  # (U + L, C, H, W)
        losses: dict[str, Tensor] = {}
        with autocast(self.device, self.dtype):
            encoding = self._with_true_label(self.networks.encoder(seen), batch.label)
            if batch.label is not None and batch.pool_label is not None:
                losses |= self.classification_phase(encoding, torch.cat([batch.pool_label, batch.label]))
            elif batch.label is not None:
                losses |= self.classification_phase(encoding.part(num_unlabelled, None), batch.label)
            # The labelled images take part in the other phases only where there are no unlabelled ones.
            num_free = num_unlabelled or len(image)
            free = encoding.part(0, num_free)
            # The image as it was, not as it was warped: the style is that of the digit, and drawings are upright.
            num_drawn = min(self.config.schedule.decoder_batch_size or num_free, num_free)
            losses |= self.reconstruction_phase(free.part(0, num_drawn), image[:num_drawn])
            # Where some images stay as they are, it is their styles that have to look like the prior: whoever uses the
            # model shows it such images.
            num_kept = num_free - self._num_augmented(num_free)
            matched = free._replace(style=None if free.style is None else free.style[: num_kept or None])
            losses |= self.discrimination_phase(matched) | self.regularisation_phase(matched)
            if num_unlabelled:
                losses |= self.mutual_information_phase(free)
                if batch.pool_label is None:  # a teacher has nothing to add to what is known
                    losses |= self.consistency_phase(free, image[:num_unlabelled], batch.propagated_label)
                losses |= self.generation_phase()
        return losses

    def _alternating(self, batch: Batch) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = {}
        stored, label = (batch.labelled, batch.label) if batch.unlabelled is None else (batch.unlabelled, None)
        if stored is not None and self.networks.decoder is not None:
            image = to_float(stored)
            drawn = self.reconstruction_phase(self._encode(image, label), image)
            if label is None:
                drawn |= self.generation_phase()
            losses |= self._update("reconstruction", drawn)
            # The discriminators' update leaves the encoder as it is, so one encoding serves both halves.
            encoding = self._encode(image, label)
            losses |= self._update("discrimination", self.discrimination_phase(encoding))
            losses |= self._update("regularisation", self.regularisation_phase(encoding))
        if batch.labelled is not None and batch.label is not None:
            encoding = self._encode(to_float(batch.labelled), None)
            losses |= self._update("classification", self.classification_phase(encoding, batch.label))
        return losses

    def _encode(self, image: Tensor, label: Tensor | None) -> Encoding:
        with autocast(self.device, self.dtype):
            return self._with_true_label(self.networks.encoder(image), label)

    def _with_true_label(self, encoding: Encoding, label: Tensor | None) -> Encoding:
        """Add the true label (B,) where the decoder is to be told it."""
        if label is None or FAMILY[self.config.model].decoder_label != "true":
            return encoding
        return encoding._replace(true_label=F.one_hot(label, self.num_classes).float())

    def _update(self, name: str, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        if losses:
            optimiser = self.optimisers[name]
            optimiser.zero_grad()
            torch.stack([self._weight(term) * loss for term, loss in losses.items()]).sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        return losses

    def _weight(self, term: str) -> float:
        if term.endswith("_discrimination"):
            return 1.0
        # The game against each discriminator has a term of its own and one weight for all.
        weight: float = getattr(self.config.objective, "regularisation" if term.endswith("_regularisation") else term)
        return weight

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
        bounds = self.config.augmentation
        if any((bounds.rotation, bounds.scale, bounds.shear, bounds.shift, bounds.elastic, bounds.horizontal_flip)):
            image = warp(image, bounds)
        if bounds.stroke_width:
            image = stroke_width(image, bounds.stroke_width)
        if bounds.brightness or bounds.contrast:
            image = brightness_and_contrast(image, bounds)
        return cutout(image, bounds.cutout) if bounds.cutout else image

    def _adversarial_codes(self, encoding: Encoding) -> Iterator[tuple[str, nn.Module, Tensor, Callable[[], Tensor]]]:
        """Give each discriminator that the model has, with the codes that it judges and what draws from its prior."""
        networks, label = self.networks, encoding.label()
        if networks.style_discriminator is not None and encoding.style is not None:
            # Told the label, it has to be deceived for every class apart. The labels are the same on both sides, so
            # that it judges the styles alone.
            conditional, count = self.config.network.conditional_discriminator, len(encoding.style)
            condition = [label[:count].detach()] if label is not None and conditional else []
            code = torch.cat([encoding.style, *condition], 1)
            yield (
                "style",
                networks.style_discriminator,
                code,
                lambda: torch.cat([self._draw_style(count), *condition], 1),
            )
        if networks.label_discriminator is not None and label is not None:
            yield "label", networks.label_discriminator, label, lambda: self._draw_label(len(label))

    def _draw_style(self, count: int) -> Tensor:
        return priors.style(count, self.config.network.style_dim, self.config.prior, self.device)  # (count, Z)

    def _draw_label(self, count: int) -> Tensor:
        return priors.one_hot(count, self.num_classes, self.device, self.label_frequency)  # (count, K)
