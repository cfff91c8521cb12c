"""A run from the command line: calibrate, quantise, check, write, tell."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from rich.console import Console

from modelkit.quantisation.near_colours import near_colours
from modelkit.quantisation.pictures import from_folder, made
from modelkit.quantisation.quantise import check, quantise, side
from models import ModelError


def run(
    file: Path,
    out: Path,
    folder: Path | None,
    cutouts: Path | None,
    *,
    pictures: int,
    keep: Sequence[str],
    reduce_range: bool,
) -> None:
    """Write the quantised network to `out` and print its size, digest and agreement with the original.

    Args:
        folder: pictures to calibrate on; made ones without it.
        cutouts: cut-outs that are put on grounds of almost their own colour: half as many as `pictures`, beside them.
        keep: beginnings of the names of nodes that stay float.

    Raises:
        ModelError: it cannot be read, quantised, or does not pass the check; nothing is written.
    """
    try:
        size = side(onnx.load(file))
    except (OSError, DecodeError) as error:
        raise ModelError(f"{file} cannot be read as ONNX: {error}") from error
    shown = made(size, pictures) if folder is None else from_folder(folder, size, pictures)
    if cutouts is not None:
        shown = np.concatenate([shown, near_colours(cutouts, size, pictures // 2)])
    content = quantise(file, shown, keep=keep, reduce_range=reduce_range)
    agreement = check(file, content, shown)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    whence = "made pictures" if folder is None else "pictures of the folder"
    console = Console()
    whence += "" if cutouts is None else " and cut-outs near their colour"
    console.print(f"Calibrated on {len(shown)} {whence}, on which alpha differs from the original's by")
    console.print(f"{agreement.mean:.2f} of 255 on average; {agreement.far:.2%} of pixels by more than 16.")
    console.print(f"{file.stat().st_size / 1e6:.2f} MB -> {len(content) / 1e6:.2f} MB", highlight=False)
    console.print(f"{out}  SHA-256 {hashlib.sha256(content).hexdigest()}", soft_wrap=True, highlight=False)
