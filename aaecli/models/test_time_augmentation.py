"""Test-time augmentation: a label read from an image and from copies of it, each moved a little to one side.

A convolutional body that halves its maps by a stride answers a little differently when an image moves by a pixel. The
mean over the five answers differs less, and is right more often.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NUM_COPIES = 5
"""The image itself and one copy moved to each side."""


def shifted_copies(image: Tensor, shift: int) -> Tensor:
    """Give images (B, C, H, W) and after them their copies, ``shift`` pixels to the right, left, bottom and top.

    What leaves a picture is lost, and zeros enter, as in the augmentation while training.

    Returns:
        (5 B, C, H, W), the images as they are first.
    """
    height, width = image.shape[2:]
    wide = F.pad(image, (shift, shift, shift, shift))
    corners = ((shift, shift), (shift, 0), (shift, 2 * shift), (0, shift), (2 * shift, shift))
    return torch.cat([wide[:, :, top : top + height, left : left + width] for top, left in corners])


def mean_label_logits(label_logits: Tensor) -> Tensor:
    """Average the probabilities of ``shifted_copies``: their logits (5 B, K) become the logits (B, K) of the mean."""
    log_prob = label_logits.log_softmax(1).view(NUM_COPIES, -1, label_logits.shape[1])  # (5, B, K)
    # The mean's own factor of 1 / 5 is the same for all classes, and a softmax does not see it.
    return log_prob.logsumexp(0)
