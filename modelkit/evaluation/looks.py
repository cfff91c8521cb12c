"""Pictures without known alpha: how hazy each network's cut-outs are, and sheets of them for the eye."""

import csv
import json
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from imaging import HOPELESS_HAZE, MUCH_HAZE, Pixels, haze_share
from modelkit.evaluation.duplicates import training_pictures
from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.networks import Network, open_network
from modelkit.evaluation.samples import read_picture
from modelkit.evaluation.sheet import MAGENTA, cut_out, line, over, reduced, save_lines

GROUNDS = (MAGENTA, (255, 255, 255), (0, 0, 0))
LINES = 10
"""Pictures on a sheet: more are hard to look at."""

ORDERS = ("haze", "difference", "name")
_ALL = "all"


@dataclass(frozen=True, slots=True)
class Look:
    """What the networks make of a picture.

    Attributes:
        kind: as the manifest beside it says.
        haze: share of each network's cut-out.
        difference: of the last network's alpha from the first's, mean in levels of 255.
        drawn: its line of the sheet.
    """

    name: str
    kind: str
    haze: tuple[float, ...]
    difference: float
    drawn: Image.Image


def look(
    folders: Sequence[Path],
    models: Sequence[str],
    *,
    out: Path,
    order: str,
    cases: int | None,
    threads: int,
    variants: Sequence[str],
) -> list[Look]:
    """Print counts of hazy cut-outs per kind, and write looks.json and the sheets to `out`.

    Args:
        order: of the sheets, one of `ORDERS`; the hazier and the more different come first.
        cases: pictures on the sheets; all of them without it.

    Raises:
        EvaluationError: a folder, a picture or a model cannot be used, or there is no such order.
    """
    if order not in ORDERS:
        raise EvaluationError(f"Unknown order {order}; there are: {', '.join(ORDERS)}.")
    cv2.setNumThreads(threads)
    files = training_pictures(folders)
    kinds = {name: kind for folder in folders for name, kind in _kinds(folder / "manifest.csv").items()}
    with ExitStack() as open_networks:
        opened = [open_network(text, threads=threads) for text in models]
        for network in opened:
            open_networks.enter_context(closing(network.backend))
        networks = [each for network in opened for each in network.by(variants)]
        looks = [_look(file, kinds.get(file.name, ""), networks) for file in track(files, "looking", transient=True)]
    out.mkdir(parents=True, exist_ok=True)
    names = [network.name for network in networks]
    _save(out / "looks.json", looks, names)
    sheets = _save_sheets(out, _ordered(looks, order)[:cases])
    _print(looks, names, sheets)
    return looks


def _kinds(manifest: Path) -> dict[str, str]:
    if not manifest.is_file():
        return {}
    with manifest.open(newline="", encoding="utf-8") as lines:
        return {row["file"]: row.get("kind") or "" for row in csv.DictReader(lines) if "file" in row}


def _look(file: Path, kind: str, networks: Sequence[Network]) -> Look:
    picture = read_picture(file)
    cuts = [cut_out(picture, network.matte(picture)) for network in networks]
    haze = tuple(haze_share(np.ascontiguousarray(cut[..., 3])) for cut in cuts)
    tiles: list[tuple[str, Pixels]] = [(f"{file.stem} ({kind})", reduced(picture.rgba))]
    for network, cut, share in zip(networks, cuts, haze, strict=True):
        small = reduced(cut)
        tiles += [(f"{network.name[-26:]} haze {share:.2f}", over(small, ground)) for ground in GROUNDS]
    tiles[0] = tiles[0][0], np.ascontiguousarray(tiles[0][1][..., :3])
    difference = float(np.abs(cuts[-1][..., 3].astype(np.int16) - cuts[0][..., 3]).mean())
    return Look(file.name, kind, haze, difference, line(tiles))


def _ordered(looks: Sequence[Look], order: str) -> list[Look]:
    if order == "name":
        return sorted(looks, key=lambda each: each.name)
    return sorted(looks, key=lambda each: (-each.haze[-1] if order == "haze" else -each.difference, each.name))


def _save_sheets(out: Path, looks: Sequence[Look]) -> list[Path]:
    sheets = []
    for place in range(0, len(looks), LINES):
        sheets.append(out / f"sheet-{place // LINES + 1:02}.png")
        save_lines(sheets[-1], [each.drawn for each in looks[place : place + LINES]])
    return sheets


def _save(file: Path, looks: Sequence[Look], networks: Sequence[str]) -> None:
    pictures = [
        {
            "name": each.name,
            "kind": each.kind,
            "haze": [round(share, 4) for share in each.haze],
            "difference": round(each.difference, 3),
        }
        for each in looks
    ]
    file.write_text(json.dumps({"networks": list(networks), "pictures": pictures}, indent=1) + "\n", encoding="utf-8")


def _print(looks: Sequence[Look], networks: Sequence[str], sheets: Sequence[Path]) -> None:
    table = Table("Kind", "n", "Network", "haze", f"over {MUCH_HAZE:g}", f"over {HOPELESS_HAZE:g}")
    kinds = sorted({each.kind for each in looks})
    groups = {kind: [each for each in looks if each.kind == kind] for kind in kinds if len(kinds) > 1}
    for kind, group in {**groups, _ALL: list(looks)}.items():
        for place, network in enumerate(networks):
            shares = [each.haze[place] for each in group]
            first = (kind, str(len(group))) if place == 0 else ("", "")
            counts = (str(sum(share > bound for share in shares)) for bound in (MUCH_HAZE, HOPELESS_HAZE))
            table.add_row(*first, network, f"{np.mean(shares):.3f}", *counts)
    console = Console()
    console.width = max(console.width, Console(width=1000).measure(table).maximum)
    console.print(table)
    console.print(f"Written: {', '.join(map(str, sheets))}", markup=False, soft_wrap=True)
