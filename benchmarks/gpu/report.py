"""One table and one file of all phases: `python -m benchmarks.gpu.report FOLDER`."""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.gpu.work import Work

Row = dict[str, Any]


def report(folder: Path) -> Row:
    """All rows, those of known speed with their distance to the roofline."""
    phases = {
        file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json")) if file.stem != "report"
    }
    machine = (phases.get("machine") or [{}])[0]
    works = {row["network"]: Work(row["flop"], row["values"], row["weights"]) for row in phases.get("prepare", [])}
    rows = [row for name, found in phases.items() if name not in ("prepare", "machine") for row in found]
    for row in rows:
        if "ms" in row and "bytes_per_s" in machine:
            row["of_roofline"] = _share(row, works[row["network"]], machine)
    return {"machine": machine, "networks": phases.get("prepare", []), "rows": rows}


def _share(row: Row, work: Work, machine: Row) -> float:
    """How much of the speed that the device could reach at best, 0 to 1, as torch's own products and copies show it."""
    kind = "fp16" if row["what"].endswith("fp16") else "fp32"
    least = work.seconds(
        row["batch"],
        flops=machine[f"flops_{kind}"],
        bytes_per_s=machine["bytes_per_s"],
        bytes_each=2 if kind == "fp16" else 4,
    )
    return round(1000 * least / float(row["ms"]), 3)


def _lines(rows: list[Row]) -> list[str]:
    head = f"{'network':8} {'what':48} {'batch':>5} {'ms':>9} {'per s':>8} {'roofline':>8} {'mean':>6} {'p99.9':>6}"
    return [head, *(_line(row) for row in rows)]


def _line(row: Row) -> str:
    start = f"{row['network']:8} {row['what']:48}"
    if "ms" not in row:
        built = f"built in {row.get('build_s')} s"
        return f"{start} {row.get('error', built)}"
    share = f"{row['of_roofline']:8.1%}" if "of_roofline" in row else " " * 8
    times = f"{row['batch']:5} {row['ms']:9.2f} {row['pictures_per_s']:8.1f} {share}"
    return f"{start} {times} {row['mean']:6.2f} {row['p99_9']:6.1f}"


def main() -> None:
    """Write FOLDER/report.json and print the table."""
    folder = Path(sys.argv[1])
    found = report(folder)
    (folder / "report.json").write_text(json.dumps(found, indent=1))
    print(json.dumps(found["machine"], indent=1))  # noqa: T201  # a command's output
    print("\n".join(_lines(found["rows"])))  # noqa: T201  # as above


if __name__ == "__main__":
    main()
