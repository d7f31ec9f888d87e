"""What a loss term is, and what a step shows it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from aaecli.config.models import Model
from aaecli.config.registries import Phase
from aaecli.config.schema import Config

if TYPE_CHECKING:
    from torch import Tensor, nn

    from aaecli.models.batch import Batch
    from aaecli.models.networks import Encoder, Encoding, Networks
    from aaecli.models.priors import Priors


def _itself(mean: Tensor) -> Tensor:
    return mean


class Context(NamedTuple):
    """What a term may look at: a batch, what was made of it, and what the step carries along.

    Nothing here is to be copied to the host: a step has to run on any device, and within a CUDA graph.

    Attributes:
        config: The settings.
        networks: The networks that are trained.
        teacher: The averaged encoder, in evaluation mode; None where ``optimiser.ema_decay`` is 0.
        teacher_head: The teacher's own head, where it has one and labels images.
        priors: Draws from the priors on label and style.
        class_marginal: float32 (K,), the running mean of the teacher's labels, which ``consistency`` moves.
        batch: The images as they are stored, and their labels.
        image: float32 (N, C, H, W), the images to be reconstructed, not augmented: the unlabelled ones, or the labelled
            ones of a model that sees no others.
        encoding: What the encoder makes of these images, augmented.
        matched: The part of ``encoding`` that is matched to the priors: the styles of images that were not augmented,
            where there are such.
        num_decoded: So many of the first images are reconstructed.
        named: What the encoder makes of the images whose labels are used; None in the article's other updates.
        label: int64 (L,), those labels; None likewise.
        over_processes: Gives the mean of a tensor over the processes of the training, with gradients; what is no plain
            mean over images needs it. Alone, it is the tensor itself.
    """

    config: Config
    networks: Networks
    teacher: Encoder | None
    priors: Priors
    class_marginal: Tensor
    batch: Batch
    image: Tensor
    encoding: Encoding
    matched: Encoding
    num_decoded: int
    named: Encoding | None = None
    label: Tensor | None = None
    teacher_head: nn.Module | None = None
    over_processes: Callable[[Tensor], Tensor] = _itself


class LossTerm(ABC):
    """A term of the step: ``[objective] NAME = weight`` switches it on.

    Derive from it, and register the class::

        @LOSS_TERMS.register("sparsity", options=SparsityOptions)
        class Sparsity(LossTerm):
            '''Mean absolute value of the style.'''

            def __call__(self, context):
                return context.encoding.style.abs().mean()

    The first paragraph of the docstring explains the weight in the settings.

    Args:
        options: What was set of the term's own options.

    Attributes:
        default_weight: The weight where nobody sets one. None for a term that has no weight of its own and counts 1.
        phase: With ``optimiser.update = "alternating"``, the update that the term is part of; None where it acts in the
            joint step alone.
        parts: Names of the losses that it consists of, where there are several. Each has a column in metrics.csv,
            ``PART_NAME``; else the column is ``NAME``.
        panel: Title of the panel of the figure ``curves`` that shows its losses.
        uses: Full names of settings that only this term uses: ``schedule.generated_batch_size``.
    """

    default_weight: ClassVar[float | None] = 0.0
    phase: ClassVar[Phase | None] = None
    parts: ClassVar[tuple[str, ...]] = ()
    panel: ClassVar[str] = "Other terms"
    uses: ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: Any) -> None:
        self.options = options

    @classmethod
    def inert(cls, traits: Model, config: Config) -> str:
        """Say why the term cannot act, to follow "objective.NAME has no effect …"; empty where it can.

        Args:
            traits: What the model that is trained consists of.
            config: The settings.
        """
        return ""

    @classmethod
    def inert_options(cls, options: Any) -> Mapping[str, str]:
        """Name the options that have no effect beside the others, each with the reason."""
        return {}

    @abstractmethod
    def __call__(self, context: Context) -> Tensor | Mapping[str, Tensor] | None:
        """Compute the term.

        Returns:
            A scalar; by part, where it has ``parts``; None where this batch gives it nothing to compute.
        """
