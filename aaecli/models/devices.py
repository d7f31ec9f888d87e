"""Which device and which precision a training runs on, and how random numbers are seeded there."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch

from aaecli.errors import AaeError
from aaecli.models.threads import choose_threads, counted

PRECISION_NAMES: dict[torch.dtype, Literal["fp32", "bf16"]] = {torch.float32: "fp32", torch.bfloat16: "bf16"}


def choose_device(name: Literal["auto", "cpu", "cuda", "mps"]) -> torch.device:
    """Give the device to train on; ``auto`` takes CUDA, then Apple's GPU, then the processor.

    On CUDA, products and convolutions of float32 are then computed in float32: torch's own default lets convolutions
    round their inputs to the ten bits of TF32.

    Raises:
        AaeError: The named device cannot be had. It is never replaced silently.
    """
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, here in available.items() if here))
    if not available[name]:
        build = " This torch was built without CUDA." if name == "cuda" and torch.version.cuda is None else ""
        raise AaeError(
            f"The device '{name}' cannot be had.{build}",
            "Use --device auto, or run `aaecli doctor` to see what is here.",
        )
    return torch.device(name)


def use_threads(number: int = 0) -> None:
    """Compute on the processor with so many threads; with 0 as many as it has cores for this process.

    A container that may use one core of sixty-four is not to have sixty-four threads wait for it. Fewer threads than
    that, which whoever calls this has set before, stay.
    """
    torch.set_num_threads(number or min(torch.get_num_threads(), choose_threads()))


def describe_device(device: torch.device) -> str:
    """Name a device as a person would: the card's name, or the processor with its threads."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"cpu ({counted(torch.get_num_threads())})" if device.type == "cpu" else device.type


def processor_name() -> str:
    """Name the processor, as the system does where it has a name for it, and else its kind of vector units."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()} ({torch.backends.cpu.get_cpu_capability()})".strip()


def choose_precision(name: Literal["auto", "fp32", "bf16"], device: torch.device) -> torch.dtype:
    """Give the type of the matrix products in training.

    ``auto`` takes bfloat16 where there are units for it: on a CUDA device that has it in hardware, on a processor with
    AMX, and on one of AMD's with AVX512-BF16, whose products run at four times float32's rate (measured on Zen 5).
    Others that only have these vector instructions run them slower than float32. Nothing is measured at run time: a
    busy moment would decide, and one seed would give other weights than before.

    Raises:
        AaeError: bfloat16 was asked for on a device that lacks it.
    """
    if device.type == "mps" and name == "bf16":
        raise AaeError("On mps, training computes in float32 alone.", "Use --precision auto or fp32.")
    if name == "fp32" or device.type == "mps":
        return torch.float32
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16
        if name == "bf16":
            raise AaeError(f"{describe_device(device)} has no bfloat16 units.", "Use --precision auto or fp32.")
        return torch.float32
    if name == "bf16" or _has_bfloat16_units():
        return torch.bfloat16
    return torch.float32


def _has_bfloat16_units() -> bool:
    # The two questions are not public, but in every torch that the range of versions allows.
    if torch.cpu._is_amx_tile_supported():
        return True
    return bool(torch.cpu._is_avx512_bf16_supported()) and "AMD" in processor_name()


def autocast(device: torch.device, dtype: torch.dtype) -> contextlib.AbstractContextManager[None]:
    """Run matrix products in ``dtype``; does nothing for float32."""
    if dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=dtype)


@contextlib.contextmanager
def denormals_flushed() -> Iterator[None]:
    """Count denormal numbers as 0 within the block.

    Adam's averages of gradients that have become 0 fade into them, and processors are slow with them. The setting is
    the thread's own and would otherwise outlive the training.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """Give the states of the generators that training draws from."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def restore_random_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    """Put back what ``random_state`` gave."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
    if device.type == "mps" and "mps" in state:
        torch.mps.set_rng_state(state["mps"])
