"""How fast a training step is, as ratios measured in one run: run by ``nox -s bench``.

- Images a second of the preset's step against a plain one: the article's five updates, each with an encoder pass, an
  optimiser and a backward pass of its own, in float32, fed by a DataLoader.
- Floating-point operations a second of the preset's step against a large matrix product of the same type.
- Memory at the peak, and seconds from the start of the process to the end of the first step.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import measured
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from aaecli.config.resolve import resolve
from aaecli.config.schema import Config
from aaecli.data.loading import load_dataset
from aaecli.data.split import split
from aaecli.experiments.results import fingerprint
from aaecli.models.devices import choose_device, choose_precision, denormals_flushed, describe_device
from aaecli.training import run
from aaecli.training.trainer import Trainer

_ROUNDS = 5
_STEPS = 20


def _mlp(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for num_inputs, num_outputs in itertools.pairwise(widths):
        layers += [nn.Linear(num_inputs, num_outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _cycle(loader: DataLoader[Any]) -> Iterator[Any]:
    while True:
        yield from loader


def plain_step(device: torch.device) -> tuple[Callable[[], None], int]:
    """Give the article's step as its text tells it, and the images that it reads."""
    dataset = load_dataset()
    image = torch.from_numpy(dataset.train_image[:50_000]).unsqueeze(1).float() / 255
    label = torch.from_numpy(dataset.train_label[:50_000])
    unlabelled = _cycle(DataLoader(TensorDataset(image), batch_size=100, shuffle=True))
    labelled = _cycle(DataLoader(TensorDataset(image[:1000], label[:1000]), batch_size=100, shuffle=True))
    encoder, decoder = _mlp(784, 1000, 1000, 20).to(device), _mlp(20, 1000, 1000, 784).to(device)
    judges = [_mlp(10, 1000, 1000, 1).to(device) for _ in range(2)]
    autoencoding = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3)
    judging = [torch.optim.Adam(judge.parameters(), 1e-3) for judge in judges]
    deceiving, classifying = (torch.optim.Adam(encoder.parameters(), 1e-3) for _ in range(2))

    def encode(batch: Tensor) -> tuple[Tensor, Tensor]:
        logits, style = encoder(batch.flatten(1)).split(10, 1)
        return logits.softmax(1), style

    def update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    def step() -> None:
        (batch,) = next(unlabelled)
        batch = batch.to(device)
        update(autoencoding, F.mse_loss(decoder(torch.cat(encode(batch), 1)).sigmoid(), batch.flatten(1)))
        one_hot = F.one_hot(torch.randint(10, (len(batch),), device=device), 10).float()
        for number, draw in enumerate((one_hot, 5 * torch.randn(len(batch), 10, device=device))):
            real, fake = judges[number](draw), judges[number](encode(batch)[number].detach())
            update(judging[number], F.softplus(-real).mean() + F.softplus(fake).mean())
        codes = encode(batch)
        update(deceiving, sum(F.softplus(-judge(code)).mean() for judge, code in zip(judges, codes, strict=True)))  # type: ignore[arg-type]
        batch, target = next(labelled)
        logits = encoder(batch.to(device).flatten(1))[:, :10]
        update(classifying, F.cross_entropy(logits, target.to(device)))

    return step, 200


def preset_step(config: Config, device: torch.device) -> tuple[Callable[[], None], int]:
    """Give the step of a preset as ``aaecli train`` takes it, and the images that it reads."""
    dataset = load_dataset()
    parts = split(dataset, config.labels, config.seed, config.holdout)
    trainer = Trainer(config, dataset, parts, device, choose_precision(config.precision, device))

    numbers = itertools.count()

    def step() -> None:
        number = next(numbers)
        trainer.step(trainer.batch(number), number)

    return step, trainer.batches.images_per_step


def _seconds(step: Callable[[], Any], device: torch.device, num_steps: int = _STEPS) -> float:
    """Give the seconds that a step takes."""
    _wait(device)
    start = time.perf_counter()
    for _ in range(num_steps):
        step()
    _wait(device)
    return (time.perf_counter() - start) / num_steps


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _product(dtype: torch.dtype, device: torch.device, size: int) -> tuple[Callable[[], Tensor], float]:
    """Give a large matrix product and its floating-point operations."""
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return lambda: left @ right, 2.0 * size**3


class _FirstStep:
    """A watcher that stops a training after its first step and notes when that was."""

    ended = 0.0

    def begin(self, plan: dict[str, Any]) -> None:
        """Nothing to say."""

    def step(self, number: int, losses: dict[str, Tensor]) -> None:
        """Note the time."""
        self.ended = time.time()

    def pause(self, reason: str) -> None:
        """Nothing to say."""

    def epoch(self, row: dict[str, float]) -> None:
        """Nothing to say."""

    def stopping(self) -> bool:
        """Stop once there was a step."""
        return self.ended > 0


def _first_step(config: Config, started: float) -> None:
    """Print the seconds from ``started`` to the end of the first step of a training, and this process's peak in MB."""
    watcher = _FirstStep()
    with tempfile.TemporaryDirectory() as folder:
        run.train(config, Path(folder), None, None, watcher)
    print(watcher.ended - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--no-cuda-graph", dest="capture", action="store_false", help="on CUDA, record no graph")
    parser.add_argument("--save", action="store_true", help="on CUDA, write the figures into results/gpu.json")
    parser.add_argument("--first-step", type=float, help=argparse.SUPPRESS)
    words = parser.parse_args()
    flags = {"device": words.device} | ({} if words.capture else {"cuda_graph": False})
    config = resolve(preset=words.preset, flags=flags)
    if words.first_step:
        _first_step(config, words.first_step)
        return
    device = choose_device(config.device)
    dtype = choose_precision(config.precision, device)
    with denormals_flushed():
        ours, our_images = preset_step(config, device)
        plain, plain_images = plain_step(device)
        size = 8192 if device.type == "cuda" else 1024
        product, product_flops = _product(dtype, device, size)
        with FlopCounterMode(display=False) as counter:
            ours()
        flops = counter.get_total_flops()
        for step in (ours, plain, product):
            _seconds(step, device, 5)
        # Round by round, so that whatever else the machine does falls on all three.
        num_steps = 10 * _STEPS if device.type == "cuda" else _STEPS
        rounds = [[_seconds(step, device, num_steps) for step in (ours, plain, product)] for _ in range(_ROUNDS)]
    ratios = [(our_images / a) / (plain_images / b) for a, b, _ in rounds]
    shares = [(flops / a) / (product_flops / c) for a, _, c in rounds]
    our_seconds, plain_seconds, product_seconds = (statistics.median(column) for column in zip(*rounds, strict=True))
    command = [sys.executable, __file__, "--preset", words.preset, "--device", words.device]
    command += [*([] if words.capture else ["--no-cuda-graph"]), "--first-step"]
    starts = []
    for _ in range(3):
        done = subprocess.run([*command, str(time.time())], check=True, capture_output=True, text=True)
        starts.append([float(word) for word in done.stdout.split()])
    firsts, peaks = zip(*starts, strict=True)
    lines = [
        f"machine: {describe_device(device)}, {os.cpu_count()} processors, {dtype}",
        f"preset {words.preset}: {1e3 * our_seconds:.1f} ms a step of {our_images} images, "
        f"{our_images / our_seconds:,.0f} images/s",
        f"plain step: {1e3 * plain_seconds:.1f} ms a step of {plain_images} images, "
        f"{plain_images / plain_seconds:,.0f} images/s",
        f"images a second, preset / plain: {_spread(ratios)}",
        f"floating-point rate, preset / matrix product of {size}²: {_spread(shares)} "
        f"({flops / 1e9:.2f} GFLOP a step; {product_flops / product_seconds / 1e12:.3f} TFLOP/s)",
        f"process start to end of first step: {_spread(list(firsts))} s",
        f"memory of that process at its peak: {max(peaks):,.0f} MB, of which torch alone is a good part",
    ]
    if device.type == "cuda":
        lines.append(
            f"memory of the GPU at its peak, all three together: {torch.cuda.max_memory_allocated() / 1e6:,.0f} MB"
        )
    print("\n".join(lines))
    if words.save:
        seconds = [ours for ours, _, _ in rounds]
        _save(config, describe_device(device), [1e3 * value for value in seconds], ratios)


def _save(config: Config, device: str, milliseconds: list[float], ratios: list[float]) -> None:
    """Write what the docs state of a GPU."""
    how, kind = ("recorded as a graph", "recorded") if config.capture else ("one operation at a time", "eager")
    where = measured.here()
    same = {
        "command": measured.command(),
        "settings": fingerprint(config),
        "machine": f"{where['machine']}, {device}",
        "versions": where["versions"],
        "note": f"{_ROUNDS} rounds in one run.",
    }
    name = f"gpu/{config.preset}"
    figures = [
        measured.Measurement(
            f"{name}-{kind}",
            f"a step of `{config.preset}`, {how}",
            values=tuple(milliseconds),
            unit="ms",
            digits=1,
            **same,
        )
    ]
    if config.capture:
        what = f"images a second of `{config.preset}` against the article's step written plainly"
        figures.append(
            measured.Measurement(f"{name}-ratio", what, values=tuple(ratios), unit="times", digits=0, **same)
        )
    measured.write(figures)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):#.3g} ({min(values):#.3g} to {max(values):#.3g})"


if __name__ == "__main__":
    main()
