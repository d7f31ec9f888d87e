"""What is left of a picture when it is resized, recompressed or shifted: its low spatial frequencies."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

RINGS = 6
"""Highest frequency, in cycles per side. JPEG and a resize to three quarters change those above in a 28 × 28 image."""
_FLOOR = 0.03
"""Part of a picture's whole amplitude that is added to that of each ring: an empty ring stays nearly empty."""
_NOISE = 4 / 255
"""Of JPEG with a quality of 50, in a pixel."""
_STEPS = 3
"""Of Newton's method, from the nearest of nine shifts."""
_BEYOND = np.float32(1.5)
"""How far beyond its reach a shift may be found: a pixel of a smaller copy is larger."""
_TINY = np.finfo(np.float32).tiny


def waves() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the frequencies (F,) downwards and across, in cycles per side; of each and its negative only one."""
    down, across = np.mgrid[: RINGS + 1, -RINGS : RINGS + 1]
    kept = (np.rint(np.hypot(down, across)) <= RINGS) & ((down > 0) | (across > 0))
    return down[kept], across[kept]


def amplitudes(
    image: NDArray[np.uint8],
) -> tuple[NDArray[np.complex64], NDArray[np.float32], NDArray[np.float32]]:
    """Transform pictures of one size, in grey: the size matters to the result only as far as details are lost.

    Args:
        image: uint8 (N, H, W) or (N, H, W, 3).

    Returns:
        The amplitudes (N, F) of ``waves``, with the brightness in [0, 1]; the mean colour (N, 3) in [0, 1]; and by how
        much, in units of ``differences``, a picture (N,) may differ from itself shifted by a pixel and saved as JPEG.
    """
    scaled = image.astype(np.float32) / np.float32(255)
    grey = scaled.mean(3) if image.ndim == 4 else scaled
    colour = scaled.mean((1, 2)) if image.ndim == 4 else np.repeat(scaled.mean((1, 2))[:, None], 3, 1)
    height, width = grey.shape[1:]
    down, across = waves()
    rows = grey @ _basis(width, RINGS)  # (N, H, 2 R + 1)
    found = np.matmul(_basis(height, RINGS).T, rows)  # (N, 2 R + 1, 2 R + 1)
    # Pixels cannot show waves of half a pixel and less: small images have fewer rings.
    shown = (2 * down < height) & (2 * np.abs(across) < width)
    amplitude = found[:, RINGS + down, RINGS + across] * (shown / np.float32(height * width)).astype(np.float32)
    # A shift puts other pixels in the place of a line at the border, of which the transform takes the opposite one.
    of_line = np.abs((grey[:, 0] - grey[:, -1]) @ _basis(width, RINGS)[:, RINGS + across])
    of_column = np.abs((grey[:, :, 0] - grey[:, :, -1]) @ _basis(height, RINGS)[:, RINGS + down])
    changed = (np.square(of_line) + np.square(of_column)) / np.float32(height * width) ** 2
    changed += np.float32(_NOISE**2 / (height * width))
    return amplitude, colour, _difference_of(amplitude, np.asarray(changed, np.float32))


def _difference_of(amplitude: NDArray[np.complex64], changed: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the difference (N,) that changes of amplitudes (N, F), of this energy and of any phase, make."""
    of_ring = np.eye(RINGS, dtype=np.float32)[ring_of()]
    energy = np.square(np.abs(amplitude)) @ of_ring
    floor = _FLOOR**2 * energy.sum(1, keepdims=True) + _TINY
    return np.asarray((changed @ of_ring / (energy + floor)).mean(1) / 2, np.float32)


def equalised(amplitude: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Give amplitudes (N, F) in which blur has no part: of length 1, with the same energy in every ring.

    The product of those of two pictures is then the mean of their Fourier ring correlation (Saxton and Baumeister
    1982): blur changes the amplitudes of a ring alike, and other shapes change their phases.
    """
    ring = ring_of()
    energy = np.square(np.abs(amplitude)) @ np.eye(RINGS, dtype=np.float32)[ring]  # (N, R)
    whole = np.sqrt(energy.sum(1, keepdims=True))
    even = amplitude / (np.sqrt(energy) + _FLOOR * whole + _TINY)[:, ring]
    return np.asarray(even / (np.linalg.norm(even, axis=1, keepdims=True) + _TINY), np.complex64)


def differences(first: NDArray[np.complex64], second: NDArray[np.complex64], reach: float) -> NDArray[np.float32]:
    """Compare pictures in pairs, each laid over the other as well as a shift can do it.

    Args:
        first: (P, F), from ``equalised``.
        second: (P, F).
        reach: Largest shift, as a part of a side.

    Returns:
        (P,): 0 for pictures that are alike, save for blur and shift; about 1 for such that have nothing in common.
    """
    wave = np.stack(waves(), 1).astype(np.float32) * np.float32(2 * np.pi)  # (F, 2)
    product = first * second.conj()
    start = np.stack(np.meshgrid((-1, 0, 1), (-1, 0, 1)), -1).reshape(-1, 2).astype(np.float32) * np.float32(reach)
    turn = np.exp(-1j * (wave @ start.T)).astype(np.complex64)  # (F, 9)
    shift = start[(product @ turn).real.argmax(1)]  # (P, 2)
    for _ in range(_STEPS):
        shifted = product * np.exp(-1j * (shift @ wave.T))
        gradient = shifted.imag @ wave
        # Where a wave is not laid over its like, it would bend the sum upwards: such a wave counts for nothing.
        weight = np.maximum(shifted.real, 0)
        bend = np.stack([weight @ (wave[:, i] * wave[:, j]) for i, j in ((0, 0), (0, 1), (1, 1))], 1)
        scale = np.maximum(bend[:, 0] * bend[:, 2] - np.square(bend[:, 1]), _TINY)[:, None]
        step = (bend[:, [2, 0]] * gradient - bend[:, [1]] * gradient[:, ::-1]) / scale
        shift = np.clip(shift + np.clip(step, -reach / 2, reach / 2), -_BEYOND * reach, _BEYOND * reach)
    return np.asarray(1 - (product * np.exp(-1j * (shift @ wave.T))).real.sum(1), np.float32)


@cache
def ring_of() -> NDArray[np.int64]:
    """Give the ring (F,) of each of ``waves``, counted from 0."""
    down, across = waves()
    return np.rint(np.hypot(down, across)).astype(np.int64) - 1


@cache
def _basis(size: int, most: int) -> NDArray[np.complex64]:
    # The middle of the first pixel is half a pixel from the edge, in a picture of any size.
    position = (np.arange(size) + 0.5) / size
    wave = -2j * np.pi * np.outer(position, np.arange(-most, most + 1))
    return np.asarray(np.exp(wave), np.complex64)
