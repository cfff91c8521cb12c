"""A run from the command line: read, judge, compare, report."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from modelkit.evaluation.duplicates import Duplicate, find_duplicates, training_pictures
from modelkit.evaluation.networks import Network, manifests, open_network
from modelkit.evaluation.report import Judged, Report
from modelkit.evaluation.samples import Sample, find_samples
from modelkit.evaluation.scores import Scores, score
from modelkit.evaluation.sheet import choose_cases, save_sheet
from modelkit.evaluation.variants import SERVICE, WAYS

ALL_WAYS = "all"


def evaluate(
    folders: Sequence[Path],
    models: Sequence[str],
    training: Sequence[Path],
    *,
    out: Path,
    cases: int,
    threads: int,
    limit: int | None,
    variants: Sequence[str] = (SERVICE,),
) -> Report:
    """Judge the models on the folders' pictures; print the table and write report.json and sheet.png to `out`.

    Args:
        variants: names of `WAYS`, or "all"; every model goes each of them.

    Raises:
        EvaluationError: a folder, a picture or a model cannot be used.
    """
    cv2.setNumThreads(threads)
    samples = find_samples(folders, limit)
    with ExitStack() as open_networks:
        opened = [open_network(text, threads=threads) for text in models or manifests()]
        for network in opened:
            open_networks.enter_context(closing(network.backend))
        networks = [each for network in opened for each in network.by(list(WAYS) if ALL_WAYS in variants else variants)]
        report = _judge(samples, networks, training_pictures(training))
        out.mkdir(parents=True, exist_ok=True)
        report.save(out / "report.json")
        chosen = choose_cases(samples, report.networks[0], cases)
        save_sheet(out / "sheet.png", chosen, networks, report.networks)
    _print(report, out)
    return report


def _judge(samples: Sequence[Sample], networks: Sequence[Network], training: Sequence[Path]) -> Report:
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True
    ) as progress:
        duplicates = _duplicates(samples, training, progress) if training else None
        judged = _scores(samples, networks, progress)
    return Report(samples, judged, duplicates)


def _duplicates(samples: Sequence[Sample], training: Sequence[Path], progress: Progress) -> list[Duplicate]:
    task = progress.add_task("comparing with training data", total=len(samples) + len(training))
    return find_duplicates(samples, training, on_picture=lambda: progress.advance(task))


def _scores(samples: Sequence[Sample], networks: Sequence[Network], progress: Progress) -> list[Judged]:
    scores: list[dict[str, Scores]] = [{} for _ in networks]
    for sample in progress.track(samples, description="judging"):
        picture, truth = sample.read()
        for network, found in zip(networks, scores, strict=True):
            found[sample.name] = score(network.matte(picture), truth)
    return [
        Judged(network.name, network.sha256, network.size, found)
        for network, found in zip(networks, scores, strict=True)
    ]


def _print(report: Report, out: Path) -> None:
    console, table = Console(), report.table()
    # A line that a narrow terminal wraps can be read, a column that is cut to "0.…" cannot.
    console.width = max(console.width, Console(width=1000).measure(table).maximum)
    console.print(table)
    if report.duplicates is not None:
        shared = len({each.sample for each in report.duplicates})
        console.print(f"{shared} of {len(report.samples)} pictures occur in the training data, too.")
        for each in report.duplicates:
            console.print(f"  {each.sample} = {each.training_file} ({each.distance} of 64 bits differ)", markup=False)
    console.print(f"Written: {out / 'report.json'}, {out / 'sheet.png'}", markup=False)
