"""A cascade: a small encoder classifies every image, and a large one those again that the small one is not sure of."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from aaecli.models.networks import Encoder, Encoding, without_test_time_augmentation
from aaecli.models.test_time_augmentation import unsure_images


class Cascade(Encoder):
    """Two encoders that answer as one, in evaluation mode.

    The style is always the first encoder's, whose decoder draws from it.

    Args:
        first: Encodes every image, from one look at each.
        second: Gives the label of the images whose largest probability is at most ``confidence``.
        confidence: In [0, 1]; the first encoder's probabilities are calibrated by its temperature before.
    """

    def __init__(self, first: Encoder, second: Encoder, confidence: float) -> None:
        nn.Module.__init__(self)  # it has no body or heads of its own
        self.first, self.second, self.confidence = first, second, confidence
        self.body = first.body
        self.test_time_shift, self.temperature = 0, 1.0
        self.eval()

    def forward(self, image: Tensor, features: Tensor | None = None) -> Encoding:
        """Encode images (B, C, H, W) in [0, 1]; ``features`` are those of the first encoder's body."""
        with without_test_time_augmentation(self.first):
            once = self.first(image, features)
        logits = cast(Tensor, once.label_logits)
        unsure = unsure_images(logits, self.confidence)
        if not len(unsure):
            return cast(Encoding, once)
        again = self.second(image[unsure]).label_logits
        return cast(Encoding, once._replace(label_logits=logits.index_copy(0, unsure, again)))

    def encode_once(self, image: Tensor) -> Encoding:
        """Give what the first encoder makes of images (B, C, H, W) in [0, 1]."""
        return self.first.encode_once(image)
