"""Where to compute, and with which numbers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from aaecli.cli.options import DEVICE


def _device(names: str) -> Any:
    return typer.Option(
        "--device",
        metavar="DEVICE",
        envvar="AAECLI_DEVICE",
        rich_help_panel=DEVICE,
        show_default="auto",
        help=f"{names}. A device that is not available is an error.",
    )


TorchDevice = Annotated[Literal["auto", "cpu", "cuda", "mps"] | None, _device("auto, cpu, cuda or mps")]
"""For commands that run torch."""
OnnxDevice = Annotated[Literal["auto", "cpu", "cuda"] | None, _device("auto, cpu or cuda")]
"""For commands that run onnxruntime."""
Precision = Annotated[
    Literal["auto", "fp32", "bf16"] | None,
    typer.Option(
        metavar="TYPE",
        envvar="AAECLI_PRECISION",
        rich_help_panel=DEVICE,
        show_default="auto",
        help="Data type of matrix products: fp32, bf16, or auto, which takes bf16 where it is faster.",
    ),
]
Compile = Annotated[
    bool | None,
    typer.Option(
        "--compile/--no-compile",
        envvar="AAECLI_COMPILE",
        rich_help_panel=DEVICE,
        show_default="no",
        help="Compile the training step with torch.compile first: 40 s and more on a CPU.",
    ),
]
CudaGraph = Annotated[
    bool | None,
    typer.Option(
        "--cuda-graph/--no-cuda-graph",
        envvar="AAECLI_CUDA_GRAPH",
        rich_help_panel=DEVICE,
        show_default="yes",
        help="On CUDA, capture the training step as a graph and replay it.",
    ),
]
