"""What the commands show."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from modelkit.zoo.entries import Entry, catalogue, entry
from modelkit.zoo.local_store import names
from modelkit.zoo.pull import check_licence
from modelkit.zoo.pull import pull as pull_model
from models import MODELS, ModelError, ModelManifest

console = Console(highlight=False, soft_wrap=True)


def table(folder: Path) -> None:
    """Every model: what is here first, then what can be pulled."""
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("name", "here", "licence", "sell", "px", "MB", "what"):
        shown.add_column(heading, justify="right" if heading in ("px", "MB") else "left", no_wrap=heading != "what")
    here = dict.fromkeys(names(MODELS), MODELS) | dict.fromkeys(names(folder), folder)
    for name, place in here.items():
        *columns, about = _here(name, place)
        shown.add_row(name, *columns, _cut(about))
    for name, each in catalogue().items():
        if name not in here:
            size = "?" if each.megabytes is None else f"{each.megabytes:g}"
            shown.add_row(name, "no", each.licence, _yes(each.commercial), str(each.size), size, _cut(each.about))
    Console().print(shown)
    console.print(
        "MB: as stated by the publisher; ? where nobody states it. `python -m modelkit show NAME` tells the rest."
    )


def _cut(about: str) -> Text:
    """One line; on a narrow screen this column alone gives way."""
    return Text(about, no_wrap=True, overflow="ellipsis")


def _here(name: str, place: Path) -> tuple[str, ...]:
    here = "shipped" if place == MODELS else "yes"
    try:
        manifest = ModelManifest.load(name, place)
    except ModelError:
        return here, "?", "?", "?", "?", "its manifest is faulty, see `verify`"
    size = f"{manifest.path.stat().st_size / 1e6:.1f}" if manifest.path.exists() else "missing"
    sell = _yes(manifest.origin is None or manifest.origin.commercial)
    about = manifest.origin.summary if manifest.origin else "ours"
    return here, manifest.licence, sell, str(manifest.input.size), size, about


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def facts(name: str, folder: Path) -> None:
    """All that is known of one model, from its manifest and from the catalogue."""
    shown = False
    for place in (MODELS, folder):
        if name in names(place):
            manifest = ModelManifest.load(name, place)
            console.print(f"[bold]{manifest.label}[/bold], in {manifest.path.parent}")
            _lines(manifest.model_dump(exclude_none=True))
            shown = True
    if name in catalogue() or not shown:
        console.print(f"[bold]{name}[/bold], in the catalogue")
        _lines({**entry(name).model_dump(exclude_none=True), "digest": digest_known(entry(name))})


def _lines(values: object, prefix: str = "") -> None:
    if isinstance(values, dict):
        for key, value in values.items():
            _lines(value, f"{prefix}.{key}".lstrip("."))
    elif isinstance(values, list | tuple) and any(isinstance(each, dict) for each in values):
        for index, each in enumerate(values):
            _lines(each, f"{prefix}.{index}")
    else:
        text = ", ".join(map(str, values)) if isinstance(values, list | tuple) else str(values).strip()
        console.print(f"  {prefix}: {text}", markup=False)


def digest_known(each: Entry) -> str:
    """How sure one can be of the file."""
    if each.sha256:
        return "SHA-256, as published"
    if each.md5:
        return "MD5 only, as published; the SHA-256 of the first pull is pinned"
    return "none published: give --sha256 if you have one; the SHA-256 of the first pull is pinned"


def pull(
    name: str, wanted: Entry, folder: Path, *, sha256: str | None = None, accept_non_commercial: bool = False
) -> None:
    """Pull with a bar."""
    check_licence(name, wanted, accept_non_commercial=accept_non_commercial)
    if name in names(folder) and _is_whole(name, folder):
        console.print(f"{name} is here already: {folder / name}.toml")
        return
    console.print(f"{wanted.url}\nLicence {wanted.licence}. Digest: {digest_known(wanted)}.", markup=False)
    if wanted.licence_note:
        console.print(wanted.licence_note, markup=False)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("download", total=None)

        def progress(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total, description="wrap, check" if done == total else "download")

        manifest = pull_model(
            name,
            wanted,
            folder,
            sha256=sha256,
            accept_non_commercial=accept_non_commercial,
            progress=progress,
        )
    imported(manifest)


def _is_whole(name: str, folder: Path) -> bool:
    try:
        ModelManifest.load(name, folder).weights()
    except ModelError:
        return False
    return True


def imported(manifest: ModelManifest) -> None:
    """What came of a pull or an addition."""
    from modelkit.zoo.operators import unknown_to_tensorrt  # noqa: PLC0415 - what only looks needs no onnx

    origin = manifest.origin
    if origin is None:
        raise ModelError(f"{manifest.name} is not a foreign model.")
    console.print(f"{manifest.label}: {manifest.path}", markup=False)
    console.print(f"The file as it came has the SHA-256 {origin.sha256}; it is pinned.")
    console.print(f"Output {origin.output}: {origin.values}. Pictures per run: {manifest.batch}.", markup=False)
    console.print(f"Checked: {origin.checked}.", markup=False)
    if unknown := unknown_to_tensorrt(manifest.weights()):
        console.print(f"TensorRT does not know {', '.join(unknown)}: it runs on cuda and cpu.", markup=False)
    if not origin.commercial:
        console.print(f"{manifest.licence} forbids commercial use: do not sell with it.", style="red")
    console.print(f"Serve it: CLEARCANVAS_RUNNER__MODEL={manifest.name}")
