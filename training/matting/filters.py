"""Blurs of a batch whose pictures each have their own strength."""

from math import ceil

import torch
from torch import Tensor
from torch.nn import functional


def gaussian(x: Tensor, sigma: Tensor) -> Tensor:
    """Blur [N,C,H,W] by `sigma` [N] pixels each; edges repeat."""
    radius = max(1, ceil(2.5 * float(sigma.max())))
    at = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (at / sigma.clamp(min=0.05).unsqueeze(1)) ** 2)
    kernel = kernel / kernel.sum(1, keepdim=True)
    count, channels, height, width = x.shape
    kernels = kernel.repeat_interleave(channels, 0)
    flat = x.reshape(1, count * channels, height, width)
    flat = functional.pad(flat, (radius, radius, 0, 0), mode="replicate")
    flat = functional.conv2d(flat, kernels[:, None, None, :], groups=count * channels)
    flat = functional.pad(flat, (0, 0, radius, radius), mode="replicate")
    flat = functional.conv2d(flat, kernels[:, None, :, None], groups=count * channels)
    return flat.reshape(x.shape)


def wide(x: Tensor, factor: int) -> Tensor:
    """A cheap wide blur: shrink by `factor` and enlarge again."""
    small = functional.avg_pool2d(x, factor, ceil_mode=True)
    return functional.interpolate(small, size=x.shape[2:], mode="bilinear", align_corners=False)


def smoothstep(x: Tensor, low: float | Tensor, high: float | Tensor) -> Tensor:
    """0 under `low`, 1 over `high`, a smooth cubic between."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)
