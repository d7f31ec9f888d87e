"""What ``aaecli doctor`` finds, and those of its checks that look at the environment alone."""

from __future__ import annotations

import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from aaecli import __version__
from aaecli.suggestions import suggest

_SERVING = ("numpy", "pillow", "typer", "rich", "tomli-w", "platformdirs")
_TRAINING = ("torch", "onnx", "onnxscript", "filelock", "matplotlib")
_ONNXRUNTIMES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-qnn",
    "onnxruntime-rocm",
    "onnxruntime-training",
)
_LITTLE_SPACE = 2**28


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        name: What was looked at.
        state: ``ok``; ``note`` where something is missing that is not needed; ``broken``.
        detail: What was found.
        remedy: What to do about it; empty where nothing is to be done.
    """

    name: str
    state: Literal["ok", "note", "broken"]
    detail: str
    remedy: str = ""


def check_versions() -> Iterator[Finding]:
    """Name the versions of aaecli, Python, the system and every package that aaecli needs."""
    yield Finding("aaecli", "ok", f"{__version__} in {Path(__file__).parents[1]}")
    yield Finding("python", "ok", f"{platform.python_version()} ({sys.executable}) on {platform.platform()}")
    yield from map(_check_package, _SERVING)
    if version_of("torch"):
        yield from map(_check_package, _TRAINING)
        return
    # Not broken: a machine that only serves a trained model does without all of this.
    absent = [name for name in _TRAINING if not version_of(name)]
    yield Finding(
        "torch",
        "note",
        "not installed: this machine classifies, draws and evaluates with ONNX files, but does not train or export",
        pip_install(absent),
    )


def _check_package(name: str) -> Finding:
    version = version_of(name)
    if version:
        return Finding(name, "ok", version)
    return Finding(name, "broken", "not installed", pip_install([name]))


def check_onnxruntime_packages() -> Finding:
    """Look for two onnxruntime packages in one environment: each overwrites the other's files."""
    found = {name: version for name in _ONNXRUNTIMES if (version := version_of(name))}
    detail = ", ".join(f"{name} {version}" for name, version in found.items())
    wanted = _wanted_onnxruntime()
    if len(found) > 1:
        remove = f"python -m pip uninstall --yes {' '.join(found)}"
        return Finding(
            "onnxruntime packages",
            "broken",
            f"{detail}: they overwrite each other's files",
            f"{remove} && python -m pip install {wanted}",
        )
    if not found:
        return Finding("onnxruntime packages", "broken", "none is installed", f"python -m pip install {wanted}")
    return Finding("onnxruntime packages", "ok", f"{detail}, and no other")


def check_folders(folders: tuple[Path, ...]) -> Iterator[Finding]:
    """Write a file into each folder, or into the nearest one above it that exists, and into that for passing files."""
    try:
        folders += (Path(tempfile.gettempdir()),)
    except OSError as error:
        yield Finding("temporary folder", "broken", f"there is none: {error.strerror}", "Name one in TMPDIR.")
    for folder in folders:
        existing = folder
        try:
            existing = folder.absolute()
            while not existing.exists():
                existing = existing.parent
            with tempfile.TemporaryFile(dir=existing) as file:
                file.write(b"x")
                file.flush()
            free = shutil.disk_usage(existing).free
        except OSError as error:
            yield Finding(
                f"folder {folder}",
                "broken",
                f"{existing} cannot be written to: {error.strerror}",
                "Work in a folder of your own, or name one with --out.",
            )
            continue
        space = f"{free / 2**30:,.1f} GiB free"
        if free < _LITTLE_SPACE:
            yield Finding(f"folder {folder}", "broken", space, "Make room: a training writes up to 100 MiB.")
        else:
            yield Finding(f"folder {folder}", "ok", f"writable, {space}")


def missing_packages() -> list[str]:
    """Name what aaecli requires and is not installed, with the versions that it requires, as pip takes them.

    onnxruntime is left out: which of its packages is wanted, `check_onnxruntime_packages` says.
    """
    try:
        required = metadata.requires("aaecli") or []
    except metadata.PackageNotFoundError:  # started from its folder, without having been installed
        required = list(_SERVING + _TRAINING)
    found = {re.split(r"[^\w.-]", text, maxsplit=1)[0]: text for text in required if ";" not in text}
    return [text for name, text in found.items() if version_of(name) is None]


def pip_install(packages: Sequence[str]) -> str:
    """Give the command that installs packages."""
    return suggest("python", "-m", "pip", "install", *packages)


def reinstall(packages: Sequence[str]) -> str:
    """Give the command that installs packages again, whatever is there of them."""
    return suggest("python", "-m", "pip", "install", "--force-reinstall", *packages)


def distributions_of(module: str) -> list[str]:
    """Name the installed packages that a module to import belongs to.

    Of a broken one, the list of its files may be gone: then it is the package of the module's own name, if any.
    """
    found = metadata.packages_distributions().get(module, [])
    return sorted(set(found)) or [module] * (version_of(module) is not None)


def version_of(package: str) -> str | None:
    """Give the version of an installed package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _wanted_onnxruntime() -> str:
    """The package that the environment markers of this project choose."""
    has_gpu_wheel = (sys.platform, platform.machine()) in (("linux", "x86_64"), ("win32", "AMD64"))
    return "onnxruntime-gpu" if has_gpu_wheel else "onnxruntime"
