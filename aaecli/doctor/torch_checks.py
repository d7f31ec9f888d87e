"""Which devices torch has, and whether they compute. torch is imported here, so that a broken one can be told of."""

from __future__ import annotations

from collections.abc import Iterator

from aaecli.doctor.findings import Finding, reinstall, version_of
from aaecli.models.threads import counted


def check_torch(*, has_nvidia_driver: bool) -> Iterator[Finding]:
    """Compute something on each device that training may ask for; nothing where torch is not installed.

    Args:
        has_nvidia_driver: Whether this machine has an NVIDIA GPU at all.
    """
    if not version_of("torch"):
        return  # as ``check_versions`` says
    try:
        import torch
    except (ImportError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        yield Finding("torch cpu", "broken", f"torch cannot be imported: {reason}", reinstall(["torch"]))
        return
    capability = torch.backends.cpu.get_cpu_capability()
    yield _computes("cpu", f"{counted(torch.get_num_threads())}, {capability}")
    yield _check_cuda(has_nvidia_driver)
    if torch.backends.mps.is_available():
        yield _computes("mps", "Apple's GPU")


def _check_cuda(has_nvidia_driver: bool) -> Finding:
    import torch

    built = torch.version.cuda
    if not has_nvidia_driver:
        return Finding("torch cuda", "note", "not here: this machine has no NVIDIA driver, so training uses the CPU")
    if built is None:
        return Finding(
            "torch cuda",
            "note",
            f"there is a GPU, but torch {torch.__version__} was built without CUDA",
            "Install the torch for your CUDA: https://pytorch.org/get-started/locally",
        )
    if not torch.cuda.is_available():
        return Finding(
            "torch cuda",
            "broken",
            f"torch was built for CUDA {built}, but cannot reach the GPU",
            "Check `nvidia-smi`; the driver may be too old for this CUDA.",
        )
    names = ", ".join(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))
    return _computes("cuda", f"{names}, CUDA {built}")


def _computes(device: str, detail: str) -> Finding:
    import torch

    try:
        answer = float((torch.ones(64, 64, device=device) @ torch.ones(64, 64, device=device)).sum())
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        return Finding(f"torch {device}", "broken", f"{detail}, but it fails: {reason}", reinstall(["torch"]))
    if answer != 64**3:
        return Finding(f"torch {device}", "broken", f"{detail}, but it computes wrongly", reinstall(["torch"]))
    return Finding(f"torch {device}", "ok", detail)
