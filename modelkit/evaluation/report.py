"""What a run found, as JSON and as a table."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from modelkit.evaluation.duplicates import Duplicate
from modelkit.evaluation.samples import Sample
from modelkit.evaluation.scores import ERRORS, MEASURES, Scores, mean

ALL = "all"
_TITLES = {
    "mae": "MAE",
    "mse": "MSE",
    "soft_mse": "soft MSE",
    "sad": "SAD/k",
    "gradient": "Grad/k",
    "connectivity": "Conn/k",
    "iou": "IoU",
    "boundary_iou": "b-IoU",
    "s_measure": "S",
    "weighted_f": "wF",
    "haze": "haze",
}
_IN_THOUSANDS = ("sad", "gradient", "connectivity")


@dataclass(frozen=True, slots=True)
class Judged:
    """One network's scores, by sample name."""

    name: str
    sha256: str
    size: int
    scores: Mapping[str, Scores]

    def of(self, samples: Sequence[Sample]) -> Scores:
        """Mean over some of the samples."""
        return mean(self.scores[sample.name] for sample in samples)


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run.

    Attributes:
        duplicates: None where no training data was compared.
    """

    samples: Sequence[Sample]
    networks: Sequence[Judged]
    duplicates: Sequence[Duplicate] | None

    def groups(self) -> dict[str, list[Sample]]:
        """The samples by group, all of them last."""
        names = sorted({sample.group for sample in self.samples})
        groups = {name: [sample for sample in self.samples if sample.group == name] for name in names}
        return {**groups, ALL: list(self.samples)}

    def save(self, file: Path) -> None:
        """Write JSON; what does not exist (soft MSE of a hard truth) is null."""
        file.write_text(json.dumps(self._plain(), indent=1) + "\n", encoding="utf-8")

    def _plain(self) -> dict[str, Any]:
        groups = self.groups()
        return {
            "pictures": {name: len(samples) for name, samples in groups.items()},
            "networks": [
                {
                    "name": judged.name,
                    "sha256": judged.sha256,
                    "size": judged.size,
                    "groups": {name: _plain(judged.of(samples)) for name, samples in groups.items()},
                    "pictures": {name: _plain(scores) for name, scores in judged.scores.items()},
                }
                for judged in self.networks
            ],
            "duplicates": None if self.duplicates is None else [asdict(each) for each in self.duplicates],
        }

    def table(self) -> Table:
        """One line per group and network; the best value of a group in bold."""
        table = Table("Group", "n", "Network")
        for measure in MEASURES:
            table.add_column(_TITLES[measure], justify="right")
        for group, samples in self.groups().items():
            means = [judged.of(samples) for judged in self.networks]
            columns = [_column(measure, [getattr(each, measure) for each in means]) for measure in MEASURES]
            for place, judged in enumerate(self.networks):
                first = (group, str(len(samples))) if place == 0 else ("", "")
                table.add_row(*first, judged.name, *(column[place] for column in columns))
            table.add_section()
        return table


def _plain(scores: Scores) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else round(value, 6) for name, value in asdict(scores).items()}


def _column(measure: str, values: Sequence[float]) -> list[str]:
    texts = ["-" if math.isnan(value) else f"{value:.{1 if measure in _IN_THOUSANDS else 3}f}" for value in values]
    best = (min if measure in ERRORS else max)(values)
    return [
        f"[bold]{text}[/bold]" if len(values) > 1 and value == best else text
        for text, value in zip(texts, values, strict=True)
    ]
