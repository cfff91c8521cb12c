"""Colour spaces that are named by numbers instead of a profile, and the way from them to sRGB.

Primaries and transfer functions are those of ITU-T H.273, tables 2 and 3. PQ and HLG (ITU-R BT.2100) are brighter than
a white page: they are mapped to its range by the extended curve of Reinhard et al. (2002, eq. 4), as browsers do on
screens that show no more.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imaging.srgb import SRGB_PRIMARIES, Primaries, from_srgb_code, matrix_to_srgb, to_xyz

Values = NDArray[np.float32]
Transfer = Callable[[Values], Values]
"""Coded values in 0..1 to light in 0..1, float32 of any shape."""

WHITE_NITS = 203.0
"""What a white page has in an HDR picture (ITU-R BT.2408)."""

PEAK_NITS = 1000.0
"""The brightest that is told apart; above it all is white."""


@dataclass(frozen=True, slots=True)
class RgbSpace:
    """Attributes.

    primaries: xy of red, green, blue and white.
    transfer: coded values to light.
    peak: what light of 1 is, in units of a white page; above 1 the picture is tone-mapped.
    system_gamma: exponent of luminance between the scene and the screen; 1 where they are the same.
    """

    primaries: Primaries
    transfer: Transfer
    peak: float = 1.0
    system_gamma: float = 1.0

    @property
    def matrix(self) -> Values:
        """[3,3], light of this space to light of sRGB, white to white."""
        return matrix_to_srgb(self.primaries)

    def display_light(self, light: Values) -> Values:
        """[...,3]: what a screen of a white page's brightness shows of this light; unchanged where it is not HDR."""
        if self.peak == 1:
            return light
        if self.system_gamma == 1:
            return _tone_mapped(light * np.float32(self.peak))
        luminance = light @ to_xyz(self.primaries)[1].astype(np.float32)
        gain = np.float32(self.peak) * np.maximum(luminance, np.float32(1e-6)) ** np.float32(self.system_gamma - 1)
        return _tone_mapped(light * gain[..., None])


def _tone_mapped(light: Values) -> Values:
    # Channel by channel: `max` along an axis of three takes thirty times as long.
    brightest = np.maximum(np.maximum(light[..., 0], light[..., 1]), light[..., 2])
    gain = (1 + brightest * np.float32((WHITE_NITS / PEAK_NITS) ** 2)) / (1 + brightest)
    return np.asarray(light * gain[..., None], np.float32)


ColourTag = bytes | RgbSpace
"""What a file says its colours are: an ICC profile, or numbers."""


def _power(exponent: float) -> Transfer:
    return lambda coded: coded ** np.float32(exponent)


def _video(coded: Values) -> Values:
    """Inverse of ITU-R BT.709-6 §1.2."""
    return np.where(coded < 0.081, coded / 4.5, ((coded + 0.099) / 1.099) ** (1 / 0.45)).astype(np.float32)


def _pq(coded: Values) -> Values:
    """ITU-R BT.2100-2 table 4, of 10,000 nits."""
    root = coded.astype(np.float64) ** (32 / 2523)
    light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (16384 / 2610)
    return np.asarray(light, np.float32)


def _hlg(coded: Values) -> Values:
    """ITU-R BT.2100-2 table 5, inverse OETF: light of the scene."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    bright = (np.exp((np.maximum(coded, 0.5) - c) / a) + b) / 12
    return np.where(coded <= 0.5, coded * coded / 3, bright).astype(np.float32)


SRGB = RgbSpace(SRGB_PRIMARIES, from_srgb_code)

_D65 = (0.3127, 0.3290)
_PRIMARIES: dict[int, Primaries] = {
    1: SRGB_PRIMARIES,
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
_PQ, _HLG = 16, 18
_TRANSFERS: dict[int, Transfer] = {
    **dict.fromkeys((1, 6, 14, 15), _video),
    4: _power(2.2),
    5: _power(2.8),
    8: _power(1.0),
    13: from_srgb_code,
    _PQ: _pq,
    _HLG: _hlg,
}
_PEAKS = {_PQ: 10_000 / WHITE_NITS, _HLG: PEAK_NITS / WHITE_NITS}
_SYSTEM_GAMMAS = {_HLG: 1.2}


def from_cicp(data: bytes) -> RgbSpace | None:
    """The space of a cICP chunk (four bytes: primaries, transfer, matrix 0, full range 1); None for any other."""
    if len(data) != 4 or data[2:] != b"\x00\x01":
        return None
    primaries, transfer = _PRIMARIES.get(data[0]), _TRANSFERS.get(data[1])
    if primaries is None or transfer is None:
        return None
    return RgbSpace(primaries, transfer, _PEAKS.get(data[1], 1.0), _SYSTEM_GAMMAS.get(data[1], 1.0))


def from_gamma(chromaticities: tuple[int, ...] | None, gamma: tuple[int, ...] | None) -> RgbSpace | None:
    """The space of a cHRM and a gAMA chunk, in units of 1/100,000; what is missing or senseless is that of sRGB.

    A gAMA without cHRM that is within a twentieth of 1/2.2 means sRGB, as its writers meant it and browsers show it.

    Args:
        chromaticities: x and y of white, red, green, blue.
        gamma: one number, the exponent from light to coded values.
    """
    primaries = _sound_primaries(chromaticities)
    transfer = _power(100_000 / gamma[0]) if gamma and 10_000 <= gamma[0] <= 1_000_000 else None
    if primaries is None and (transfer is None or _is_usual(gamma)):
        return None
    return RgbSpace(primaries or SRGB_PRIMARIES, transfer or from_srgb_code)


def _is_usual(gamma: tuple[int, ...] | None) -> bool:
    return gamma is not None and 0.95 <= 2.2 * gamma[0] / 100_000 <= 1.05


def _sound_primaries(integers: tuple[int, ...] | None) -> Primaries | None:
    """Three that span a plane around a white; None for any other."""
    if integers is None:
        return None
    x, y = (np.asarray(integers, np.float64).reshape(4, 2) / 100_000).T
    white, red, green, blue = zip(x.tolist(), y.tolist(), strict=True)
    if min(y) <= 0 or max(x + y) > 1.5:
        return None
    primaries = (red, green, blue, white)
    try:
        sound = (to_xyz(primaries)[1] > 0).all()
    except np.linalg.LinAlgError:
        return None
    return primaries if sound else None
