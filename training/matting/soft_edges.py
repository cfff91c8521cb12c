"""Soft boundaries for hard masks: a mask drawn by hand says where a thing is, not how its hair ends.

A guided filter with the picture as guide (He, Sun and Tang 2013, "Guided image filtering", section 3.2) fits alpha as a
linear function of colour in every small window, the local model of closed-form matting (Levin et al. 2008) without its
global solve. Two things keep it from doing harm: only a band around the boundary is touched, and there the fit counts
only as far as colour explains the mask (its coefficient of determination); where it does not, the mask stays as it was,
slightly smoothed.
"""

import torch
from torch import Tensor
from torch.nn import functional

REACH = 0.012
"""Half the width of a window and of the band, as a share of the side."""
RIDGE = 1e-4
"""Added to the variance of colour, in units of 0..1 squared: how even a window must be to count as one colour."""


def box(x: Tensor, radius: int) -> Tensor:
    """Mean over squares of 2·radius+1 pixels, [N,C,H,W]; at the border over what there is."""
    return functional.avg_pool2d(x, 2 * radius + 1, 1, radius, count_include_pad=False)


def soften(picture: Tensor, mask: Tensor) -> Tensor:
    """Soft alpha [N,1,S,S] for hard `mask` [N,1,S,S] over `picture` [N,3,S,S], all 0..1."""
    radius = max(2, round(REACH * mask.shape[-1]))
    fitted, explained = guided(picture, mask, radius)
    smooth = box(mask, 1)
    size = 2 * radius + 1
    near = functional.max_pool2d(mask, size, 1, radius) + functional.max_pool2d(-mask, size, 1, radius)
    band = box(near, 1)
    soft = explained * fitted + (1 - explained) * smooth
    return (band * soft + (1 - band) * mask).clamp(0, 1)


def guided(picture: Tensor, mask: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """The colour-guided filter, and how much of the mask's variance in the windows it explains, both [N,1,S,S]."""
    mean, mask_mean = box(picture, radius), box(mask, radius)
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    products = torch.cat([picture[:, i : i + 1] * picture[:, j : j + 1] for i, j in pairs], dim=1)
    means = torch.cat([mean[:, i : i + 1] * mean[:, j : j + 1] for i, j in pairs], dim=1)
    ridge = torch.tensor([float(i == j) for i, j in pairs], device=mask.device).view(1, -1, 1, 1) * RIDGE
    rr, rg, rb, gg, gb, bb = (box(products, radius) - means + ridge).unbind(1)
    # The inverse of the symmetric 3 by 3 matrix, by cofactors: much faster than a solver per pixel.
    inverse = [
        gg * bb - gb * gb,
        gb * rb - rg * bb,
        rg * gb - gg * rb,
        rr * bb - rb * rb,
        rb * rg - rr * gb,
        rr * gg - rg * rg,
    ]
    determinant = rr * inverse[0] + rg * inverse[1] + rb * inverse[2]
    along = box(picture * mask, radius) - mean * mask_mean
    r, g, b = along.unbind(1)
    slope = torch.stack(
        [
            inverse[0] * r + inverse[1] * g + inverse[2] * b,
            inverse[1] * r + inverse[3] * g + inverse[4] * b,
            inverse[2] * r + inverse[4] * g + inverse[5] * b,
        ],
        dim=1,
    ) / determinant.clamp(min=1e-14).unsqueeze(1)
    offset = mask_mean - (slope * mean).sum(1, keepdim=True)
    variance = box(mask * mask, radius) - mask_mean**2
    share = ((slope * along).sum(1, keepdim=True) / variance.clamp(min=1e-6)).clamp(0, 1)
    fitted = (box(slope, radius) * picture).sum(1, keepdim=True) + box(offset, radius)
    return fitted.clamp(0, 1), box(share, radius) ** 2
