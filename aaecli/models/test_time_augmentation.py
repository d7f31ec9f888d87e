"""Test-time augmentation: a label read from an image and from copies of it, each moved a little to one side.

A convolutional body that halves its maps by a stride answers a little differently when an image moves by a pixel. The
mean over the five answers differs less, and is right more often. It changes the class only where the first answer was
not sure, so only those images are looked at again.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NUM_COPIES = 4
"""One copy moved to each side."""


def shifted_copies(image: Tensor, shift: int) -> Tensor:
    """Give the copies of images (B, C, H, W), ``shift`` pixels to the right, left, bottom and top.

    What leaves a picture is lost, and zeros enter, as in the augmentation while training.

    Returns:
        (4 B, C, H, W): all images moved to the right first.
    """
    height, width = image.shape[2:]
    wide = F.pad(image, (shift, shift, shift, shift))
    corners = ((shift, 0), (shift, 2 * shift), (0, shift), (2 * shift, shift))
    return torch.cat([wide[:, :, top : top + height, left : left + width] for top, left in corners])


def unsure_images(label_logits: Tensor, confidence: float) -> Tensor:
    """Give the numbers (U,) of the images whose largest probability is at most ``confidence``, from logits (B, K)."""
    return (label_logits.softmax(1).amax(1) <= confidence).nonzero()[:, 0]


def mean_label_logits(label_logits: Tensor, of_copies: Tensor) -> Tensor:
    """Average probabilities: logits (U, K) of images and (4 U, K) of their copies become those (U, K) of the mean."""
    log_prob = torch.cat([label_logits, of_copies]).log_softmax(1).view(1 + NUM_COPIES, *label_logits.shape)
    # The mean's own factor of 1 / 5 is the same for all classes, and a softmax does not see it.
    return log_prob.logsumexp(0)  # (U, K)
