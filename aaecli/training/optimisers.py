"""How the weights move: the optimisers, by phase."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from aaecli.config.optimiser import Optimiser
from aaecli.models.networks import Networks


def make_optimisers(
    networks: Networks, settings: Optimiser, *, rates_as_tensors: bool = False
) -> dict[str, torch.optim.Optimizer]:
    """Make the optimisers, by the name of what they minimise.

    Args:
        networks: What they are to move.
        settings: Rates and the like.
        rates_as_tensors: Keep the rates on the device: a number would be part of a captured step for good.

    Returns:
        ``joint`` alone; or one for each alternating phase that the model has: ``reconstruction``, ``discrimination``,
        ``regularisation``, ``classification``.
    """
    encoder, decoder = networks.encoder, networks.decoder
    discriminators = _groups((networks.style_discriminator, networks.label_discriminator), settings, adversarial=True)
    if settings.update == "joint":
        parts = {"joint": _groups((encoder, decoder, networks.teacher_head), settings) + discriminators}
    else:
        parts = {
            "reconstruction": _groups((encoder, decoder), settings),
            "discrimination": discriminators,
            "regularisation": _groups((encoder,), settings),
            "classification": _groups((encoder,), settings),
        }
    device = next(encoder.parameters()).device
    fused = device.type in ("cpu", "cuda", "mps")
    made: dict[str, torch.optim.Optimizer] = {
        name: torch.optim.AdamW(part, fused=fused) for name, part in parts.items() if part
    }
    if rates_as_tensors:
        for group in (group for optimiser in made.values() for group in optimiser.param_groups):
            group["lr"] = torch.tensor(group["lr"], device=device)
    return made


def _groups(
    modules: tuple[nn.Module | None, ...], settings: Optimiser, *, adversarial: bool = False
) -> list[dict[str, Any]]:
    weights = [weight for module in modules if module is not None for weight in module.parameters()]
    lr = settings.discriminator_lr if adversarial else settings.lr
    beta1 = settings.discriminator_beta1 if adversarial else settings.beta1
    common = {"lr": lr, "top_lr": lr, "betas": (beta1, settings.beta2)}
    # Decay pulls the matrices only: biases and the gains of a normalisation have nothing to overfit with.
    matrices = {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": settings.weight_decay}
    vectors = {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0}
    return [common | part for part in (matrices, vectors) if part["params"]]
