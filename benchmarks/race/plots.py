"""Draws a race: CPU of a picture and requests a second. Runs in the race's own environment, which has matplotlib."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot

COLOURS = {
    "rembg": "#8a8f98",
    "ours, paid, fp32": "#1f6feb",
    "ours, paid, auto": "#0b3d91",
    "ours, unpaid, fp32": "#8ec5ff",
}
FIGURES = (("cpu_s", "CPU seconds a picture"), ("requests_s", "pictures a second"))


def main(source: Path, folder: Path) -> None:
    """One file with four panels: both figures at both sizes."""
    rows = json.loads(source.read_text())["summary"]["rows"]
    sizes = ("2 MP", "12 MP")
    mpl.rcParams.update({"svg.hashsalt": "race", "font.size": 9, "svg.fonttype": "none"})
    figure, panels = pyplot.subplots(len(FIGURES), len(sizes), figsize=(8, 5.4))
    for across, size in enumerate(sizes):
        for down, (name, title) in enumerate(FIGURES):
            _draw(panels[down][across], [row for row in rows if row["size"] == size], name)
            panels[down][across].set_title(f"{title}, {size}")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "race.svg", metadata={"Date": None})


def _draw(panel: Any, rows: list[dict[str, Any]], name: str) -> None:
    at_a_time = sorted({row["concurrency"] for row in rows})
    for place, (server, colour) in enumerate(COLOURS.items()):
        values = [row[name] for at in at_a_time for row in rows if row["server"] == server and row["concurrency"] == at]
        panel.bar([at + 0.2 * (place - 1.5) for at in range(len(values))], values, 0.2, label=server, color=colour)
    panel.set_xticks(range(len(at_a_time)), [f"{at} at a time" for at in at_a_time])
    panel.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
