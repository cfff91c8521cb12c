import cv2
import numpy as np
import pytest

from imaging.foreground import Plane, estimate_foreground


def _disc(size: int, softness: float) -> Plane:
    y, x = np.mgrid[:size, :size] / size - 0.5
    return np.asarray(np.clip((0.3 - np.hypot(x, y)) / softness + 0.5, 0, 1), np.float32)


def _smooth(size: int, seed: int) -> Plane:
    rough = np.random.default_rng(seed).random((5, 5, 3), dtype=np.float32)
    return np.asarray(cv2.resize(rough, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


@pytest.mark.parametrize(
    ("softness", "seed", "theirs"),
    [
        (0.05, 1, 0.00823),
        (0.05, 3, 0.00820),
        (0.1, 1, 0.01374),
        (0.1, 3, 0.01291),
        (0.2, 3, 0.01999),
        (0.2, 5, 0.03135),
    ],
)
def test_a_known_foreground_is_found_as_closely_as_by_the_reference(softness: float, seed: int, theirs: float) -> None:
    """Mean error over soft pixels, weighted by alpha. `theirs` is what pymatting 1.1.16 reached on the same input."""
    alpha, foreground, background = _disc(256, softness), _smooth(256, seed), _smooth(256, seed + 1)
    image = foreground * alpha[..., None] + background * (1 - alpha[..., None])
    found, _ = estimate_foreground(image, alpha)

    def error(guess: Plane) -> float:
        return float((np.abs(guess - foreground).mean(axis=2) * alpha)[(alpha > 0) & (alpha < 1)].mean())

    assert error(found) < 1.06 * theirs
    assert error(found) < error(image)


def test_both_colours_together_make_the_picture() -> None:
    alpha, foreground, background = _disc(128, 0.2), _smooth(128, 1), _smooth(128, 2)
    image = foreground * alpha[..., None] + background * (1 - alpha[..., None])
    found, behind = estimate_foreground(image, alpha)
    again = found * alpha[..., None] + behind * (1 - alpha[..., None])
    assert np.abs(again - image).max() < 0.02


@pytest.mark.parametrize("opacity", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (64, 3)])
def test_alpha_without_any_edge_is_no_trouble(size: tuple[int, int], opacity: float) -> None:
    image = np.full((*size, 3), 0.25, np.float32)
    found, behind = estimate_foreground(image, np.full(size, opacity, np.float32))
    for colours in (found, behind):
        assert colours.shape == (*size, 3)
        assert np.isfinite(colours).all()
        assert colours.min() >= 0
        assert colours.max() <= 1
