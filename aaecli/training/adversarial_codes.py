"""What each discriminator is given: the encoder's codes, against draws of the prior."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from aaecli.training.terms.term import Context


def adversarial_codes(context: Context) -> Iterator[tuple[str, nn.Module, Tensor, Callable[[], Tensor]]]:
    """Give each discriminator that the model has, with the codes that it is given and what draws from its prior.

    Yields:
        ``style`` or ``label``, the discriminator, codes (B, D), and a function that draws (B, D) from the prior.
    """
    networks, encoding, priors = context.networks, context.matched, context.priors
    label = encoding.label()
    if networks.style_discriminator is not None and encoding.style is not None:
        # Told the label, it has to be deceived for every class apart. The labels are the same on both sides, so
        # that it judges the styles alone.
        conditional, count = context.config.network.conditional_discriminator, len(encoding.style)
        condition = [label[:count].detach()] if label is not None and conditional else []
        code = torch.cat([encoding.style, *condition], 1)
        yield "style", networks.style_discriminator, code, lambda: torch.cat([priors.style(count), *condition], 1)
    if networks.label_discriminator is not None and label is not None:
        yield "label", networks.label_discriminator, label, lambda: priors.label(len(label))
