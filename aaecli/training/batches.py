"""The images of a training on its device, and which of them each step gets."""

from __future__ import annotations

import torch
from torch import Tensor

from aaecli.config.models import FAMILY
from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset
from aaecli.data.split import Split
from aaecli.models.batch import Batch
from aaecli.models.stored_images import MappedImages, stored_images
from aaecli.training.distributed.world import ALONE, World
from aaecli.training.length import Length
from aaecli.training.propagation.schedule import Propagation
from aaecli.training.rehearsal import RehearsalImages
from aaecli.training.sampler import Sampler

_OTHERS_SEED = 2**40
"""Added to the seed of one's own images, so that the others are drawn independently."""


class Batches:
    """Gives the images of each step, always the same ones for a seed.

    Args:
        config: The settings.
        dataset: The images.
        split: Which of them are labelled, and in the pool.
        length: Number of images in a step.
        device: Where to train.
        rehearsal: The other images that are learnt beside them, if any.
        world: The processes of the training; each gets its share of a step.

    Attributes:
        image: uint8 (N, H, W) or (N, H, W, 3), all training images, those of the rehearsal last. They stay bytes: 39
            MB for MNIST. On the device, a batch is a gather instead of a copy; those that do not fit there are
            gathered where they are stored, which changes no batch.
        label: int64 (N,), their labels; -1 for none.
        labelled: int64 (L,), the labelled images.
        pool: int64 (P,), all images that training sees.
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        split: Split,
        length: Length,
        device: torch.device,
        rehearsal: RehearsalImages | None = None,
        world: World = ALONE,
    ) -> None:
        self._world = world
        self.image = stored_images(dataset.train_image, device, None if rehearsal is None else rehearsal.image)
        # Images are looked up where they are.
        where = device if isinstance(self.image, Tensor) else torch.device("cpu")
        self.label = torch.from_numpy(dataset.train_label).to(device)
        self._others = torch.arange(len(dataset.train_image), len(self.image)).to(where)
        self._rehearsal = config.rehearsal
        if rehearsal is not None:
            self.label = torch.cat([self.label, torch.from_numpy(rehearsal.label).to(device)])
        self.labelled = torch.from_numpy(split.labelled).to(where)
        self.pool = torch.from_numpy(split.pool).to(where)
        self._all_labelled = length.all_labelled
        self._seed = config.seed
        self._labelled_batch_size = length.labelled_batch_size
        self._ahead = self.image.fetch if isinstance(self.image, MappedImages) else None
        self._of_labelled = self._labelled_sampler(self.labelled) if len(self.labelled) else None
        self._of_kept: Sampler | _Mixed | None = None
        sees_unlabelled = FAMILY[config.model].sees_unlabelled
        size, seed = config.schedule.batch_size, config.seed * 2 + 1
        self._of_pool = self._sampler(self.pool, size, seed) if sees_unlabelled else None

    @property
    def images_per_step(self) -> int:
        """Images that a step of all processes reads, labelled and unlabelled together."""
        return sum(sampler.batch_size for sampler in (self._of_labelled, self._of_pool) if sampler is not None)

    def learn_from(self, kept: Tensor | None) -> None:
        """Give these labelled images (M,) alone from now on, or all of them again, where None."""
        self._of_kept = None if kept is None else self._labelled_sampler(kept)

    def batch(self, number: int, propagation: Propagation | None = None) -> Batch:
        """Give the images of step ``number`` (from 0), of several processes this one's share.

        Args:
            number: The step.
            propagation: Says what is propagated to unlabelled images.
        """
        pool = None if self._of_pool is None else self._world.part(self._of_pool.batch(number))
        unlabelled = None if pool is None else self.image[pool]
        if self._of_labelled is None:
            return Batch(unlabelled, None, None)
        labelled = self._world.part((self._of_kept or self._of_labelled).batch(number))
        pool_label = None if pool is None or not self._all_labelled else self.label[pool]
        propagated = None if propagation is None or pool is None else propagation.of(pool, number)
        return Batch(unlabelled, self.image[labelled], self.label[labelled], pool_label, propagated)

    def _labelled_sampler(self, index: Tensor) -> Sampler | _Mixed:
        return self._sampler(index, self._labelled_batch_size, self._seed * 2)

    def _sampler(self, index: Tensor, size: int, seed: int) -> Sampler | _Mixed:
        if not len(self._others):
            return Sampler(index, size, seed, self._ahead)
        num_others = self._rehearsal.share(size)
        own = Sampler(index, size - num_others, seed, self._ahead)
        return _Mixed(own, Sampler(self._others, num_others, seed + _OTHERS_SEED))


class _Mixed:
    """Draws one's own images and others, interleaved: of the first images of a batch, as many are of either as of all.

    Args:
        own: Draws one's own.
        others: Draws the others.
    """

    def __init__(self, own: Sampler, others: Sampler) -> None:
        self.own, self.others = own, others
        self.batch_size = own.batch_size + others.batch_size
        position = torch.cat([(torch.arange(size) + 0.5) / size for size in (own.batch_size, others.batch_size)])
        self._order = position.argsort(stable=True).to(own.index.device)

    def batch(self, step: int) -> Tensor:
        """Give the images of a step, as ``Sampler.batch`` does."""
        return torch.cat([self.own.batch(step), self.others.batch(step)])[self._order]
