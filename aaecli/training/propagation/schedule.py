"""Labels for the pool's images by what their neighbours are, propagated anew every so many steps of a training."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from aaecli.config.propagation import Propagation as Settings
from aaecli.models.batch import Images, to_float
from aaecli.models.bodies import EncoderBody
from aaecli.models.networks import answering
from aaecli.training.propagation.extension import Extension
from aaecli.training.propagation.poisson import Graph, propagate
from aaecli.training.sampler import drawn

_BATCH = 1000
_MOST_IN_GRAPH = 20_000
"""Images that are compared with each other; of more, the others follow those that they are nearest to."""
_PART = 20_000
"""Of those others, so many are encoded and compared at a time: the memory is the same for any number."""


class Propagation:
    """What the graph of the encoder's features says of the images, and when it is to be asked again.

    Args:
        settings: When (``every`` is not 0), and among how many images.
        image: uint8 (N, H, W) or (N, H, W, 3), which come to the device that trains.
        label: int64 (N,), of which only those of ``labelled`` are looked at.
        labelled: int64 (L,), the labelled images.
        pool: int64 (P,), all the images that training sees.
        frequency: float32 (K,), how often the categorical prior draws each class.
        seed: Seed of the draw of images.

    Attributes:
        label: int64 (N,) on the device that trains; -1 where nothing is said.
        always: int64 (A,), images without a label that are labelled every time, whatever is drawn.
    """

    def __init__(
        self,
        settings: Settings,
        image: Images,
        label: Tensor,
        labelled: Tensor,
        pool: Tensor,
        frequency: Tensor,
        seed: int,
    ) -> None:
        self.settings = settings
        self.image = image
        self.known = torch.full((len(image),), -1)
        self.known[labelled.cpu()] = label[labelled].cpu()
        self.frequency = frequency.cpu().clone()  # what is given may change later on
        self.labelled = labelled.cpu()
        self.rest = pool.cpu()[self.known[pool.cpu()] < 0]
        self.always = self.labelled[:0]
        self.seed = seed
        self.label = torch.full((len(image),), -1, device=image.device)

    def reveal(self, labelled: Tensor, label: Tensor) -> None:
        """Add images (R,) of the pool whose labels, of int64 (N,), were not known so far."""
        index = labelled.cpu()
        self.known[index] = label[labelled].cpu()
        self.labelled = torch.cat([self.labelled, index])
        self.always = self.labelled[:0]
        self.rest = self.rest[self.known[self.rest] < 0]

    def is_due(self, number: int) -> bool:
        """Whether labels are to be propagated before step ``number`` (from 0)."""
        return number % self.settings.every == 0 and 0 < number < self.settings.until

    def refresh(self, number: int, encoder: nn.Module) -> None:
        """Propagate labels among images drawn for step ``number`` (from 0), as the encoder sees them now."""
        first = torch.cat([self.labelled, self.always])
        num_drawn = max(self.settings.num_images - len(first), 0)
        rest = self.rest if not len(self.always) else self.rest[~torch.isin(self.rest, self.always)]
        chosen = torch.cat([first, drawn(rest, self.seed, number, num_drawn)])
        graphed, others = chosen.tensor_split([max(_MOST_IN_GRAPH, len(first))])
        feature = self._features(encoder, graphed)
        # A small pool has no more neighbours to offer than it has images.
        num_neighbours = min(self.settings.num_neighbours, len(graphed) - 1)
        graph = Graph(feature, num_neighbours)
        propagated = propagate(graph, self.known[graphed], self.frequency, self.settings.max_class_weight)
        self.label.fill_(-1)
        self._say(graphed, propagated)
        if len(others):
            extension = Extension(feature, propagated, len(self.frequency), num_neighbours)
            for part in torch.split(others, _PART):
                self._say(part, extension.label(self._features(encoder, part)))

    def _say(self, index: Tensor, label: Tensor) -> None:
        self.label[index.to(self.label.device)] = label.to(self.label.device)

    def of(self, index: Tensor, number: int) -> Tensor | None:
        """Give what is said of images (U,) at step ``number`` (from 0): int64 (U,), or None where nothing counts yet.

        -1 stands for an image of which nothing is said.
        """
        return self.label[index] if self.settings.every <= number < self.settings.until else None

    def _features(self, encoder: nn.Module, index: Tensor) -> Tensor:
        """Encode stored images up to the last hidden layer: float32 (M, D), on the device."""
        body = cast(EncoderBody, encoder.body)
        index = index.to(self.image.device)
        with answering(encoder):
            parts = [body.features(to_float(self.image[part])) for part in torch.split(index, _BATCH)]
        return torch.cat(parts).float()
