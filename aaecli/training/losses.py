"""The losses of the three phases and of what goes beyond the article: one function each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aaecli.models.networks import Encoder, in_float32

_LEAST_AVERAGE = 1e-12


def alone(mean: Tensor) -> Tensor:
    """Give the mean over the processes of a training that has one."""
    return mean


def reconstruction(reconstructed: Tensor, image: Tensor) -> Tensor:
    """Mean squared error of reconstructions (B, C, H, W) against the images that were encoded (article, part 1)."""
    return F.mse_loss(reconstructed, image)


def discrimination(discriminator: nn.Module, prior: Tensor, code: Tensor) -> Tensor:
    """What a discriminator minimises: call prior draws (B, D) real and the encoder's codes (B, D) fake (part 2).

    The codes are detached, so the encoder is left alone. The mean of both cross-entropies times two: 2 ln 2 where
    the two cannot be told apart.
    """
    logits = discriminator(torch.cat([prior, code.detach()]))  # (2B, 1)
    real, fake = logits.chunk(2)
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def regularisation(discriminator: nn.Module, code: Tensor) -> Tensor:
    """What the encoder minimises against a discriminator: have its codes (B, D) called real (part 2).

    The discriminator's weights are read as constants, so they gather no gradient here and need no second backward.
    """
    constant = {name: weight.detach() for name, weight in discriminator.named_parameters()}
    logits = torch.func.functional_call(discriminator, constant, (code,))  # (B, 1)
    return F.softplus(-logits).mean()


def classification(label_logits: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy of logits (B, K) against labels (B,) (part 4)."""
    return F.cross_entropy(label_logits, label)


def mutual_information(
    label_logits: Tensor,
    marginal_entropy: float = 1.0,
    frequency: Tensor | None = None,
    over_processes: Callable[[Tensor], Tensor] = alone,
) -> Tensor:
    """How much less the label of an image tells than the most it could, in nats: to be minimised, 0 at best.

    The mutual information of image and label is the entropy of the mean answer less the mean entropy of the answers
    (Krause et al. 2010); logits (B, K) are sure and even where it reaches ln K. What the entropy of the mean answer
    lacks of ln K counts ``marginal_entropy`` times (Hu et al. 2017). Where the prior draws some labels more often than
    others, ``frequency`` (K,), it is the mean answer's divergence from that instead. Of several processes, the mean
    answer is that of all, by ``over_processes``.
    """
    log_prob = label_logits.log_softmax(1)  # (B, K)
    doubt = -(log_prob.exp() * log_prob).sum(1).mean()
    mean = over_processes(log_prob.exp().mean(0))  # (K,)
    log_frequency = -math.log(label_logits.shape[1]) if frequency is None else frequency.log()
    unevenness = (torch.xlogy(mean, mean) - mean * log_frequency).sum()
    missing: Tensor = doubt + marginal_entropy * unevenness
    return missing


def align(label_prob: Tensor, average: Tensor, frequency: Tensor | None = None) -> Tensor:
    """Scale probabilities (B, K) so that on average every class is as frequent as the categorical prior says.

    Distribution alignment (ReMixMatch, Berthelot et al. 2020), with the teacher's running average (K,); the prior's
    ``frequency`` (K,) is uniform where None. A class that the teacher has not named for so long that its average has
    become 0 is divided by a trillionth instead.
    """
    scaled = label_prob / average.clamp_min(_LEAST_AVERAGE)
    if frequency is not None:
        scaled = scaled * frequency
    return scaled / scaled.sum(1, keepdim=True)


def consistency(label_logits: Tensor, teacher_prob: Tensor, confidence: float) -> Tensor:
    """Cross-entropy of the student's logits (B, K) for warped images against the teacher's best label for them.

    Images for which the teacher's probability (B, K) does not exceed ``confidence`` count as 0 (FixMatch).
    """
    prob, label = teacher_prob.max(1)  # (B,), (B,)
    loss = F.cross_entropy(label_logits, label, reduction="none")  # (B,)
    return (loss * (prob > confidence)).mean()


def teacher_logits(teacher: Encoder, image: Tensor, head: nn.Module | None = None) -> Tensor:
    """Give the label logits (B, K) of a teacher that looks once at each image, whatever the test-time shift.

    Five looks make the step 1.8 times as long and teach no better. Where the teacher has a ``head`` of its own, they
    are that one's.
    """
    if head is not None:
        return in_float32(head, teacher.features(image))
    return cast(Tensor, teacher.encode_once(image).label_logits)


def teacher_prob(
    teacher: Encoder,
    image: Tensor,
    class_marginal: Tensor,
    frequency: Tensor | None,
    propagated_label: Tensor | None,
    *,
    align_classes: bool,
    role: str = "replace",
    head: nn.Module | None = None,
    over_processes: Callable[[Tensor], Tensor] = alone,
) -> Tensor:
    """Give what the averaged teacher says of images (B, C, H, W), as probabilities (B, K) without a gradient.

    Args:
        teacher: The averaged encoder.
        image: float (B, C, H, W).
        class_marginal: (K,), the running mean of what it says; moved in place.
        frequency: (K,), what ``align`` aligns to.
        propagated_label: int64 (B,), labels from neighbours; -1 for none.
        role: Whether these ``replace`` the teacher's, or ``confirm`` it where they are the same.
        align_classes: Whether to ``align``.
        head: The teacher's own head, where it has one.
        over_processes: Gives the mean over the processes of the training.
    """
    with torch.no_grad():
        prob = teacher_logits(teacher, image, head).softmax(1)  # (B, K)
        class_marginal.lerp_(over_processes(prob.mean(0)), 0.01)
        if align_classes:
            prob = align(prob, class_marginal, frequency)
        if propagated_label is not None:
            condition = F.one_hot(propagated_label.clamp_min(0), prob.shape[1]).to(prob)
            counts = propagated_label == prob.argmax(1) if role == "confirm" else propagated_label >= 0
            prob = torch.where(counts[:, None], condition, prob)
        return prob


def soft_consistency(label_logits: Tensor, teacher_prob: Tensor) -> Tensor:
    """Cross-entropy of the student's logits (B, K) for warped images against the teacher's probabilities (B, K).

    Self-augmented training (Hu et al. 2017): every image counts, by as much as the teacher tells of it.
    """
    return F.cross_entropy(label_logits, teacher_prob)
