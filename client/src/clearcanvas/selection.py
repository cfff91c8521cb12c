"""Which pictures are meant, and where their results go."""

import glob
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clearcanvas.errors import InvalidSetting
from clearcanvas.picture import HEAD_BYTES, media_type

EXTENSIONS = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}


@dataclass(frozen=True)
class Job:
    """One picture and the file for its result."""

    source: Path
    target: Path


def jobs(arguments: Sequence[str], out: Path, *, format: str, recursive: bool) -> list[Job]:
    """What to buy for files, folders and patterns.

    In folders and patterns whatever begins like a JPEG, PNG or WebP file is a picture, whatever its name; a file that
    is named outright is taken as it is, and refused later if it is none. `out` is a folder; for one file it may be a
    file.

    Raises:
        InvalidSetting: a path is not there, nothing is a picture, or results would lie among the pictures.
    """
    found = list(dict.fromkeys(_found(arguments, out, recursive=recursive)))
    if not found:
        raise InvalidSetting(f"No JPEG, PNG or WebP file in {', '.join(arguments)}.")
    extension = EXTENSIONS[format]
    if (
        len(found) == 1
        and out.suffix.lower() in {extension, *([".jpeg"] if format == "jpeg" else [])}
        and not out.is_dir()
    ):
        targets = [out]
    else:
        targets = _targets(found, out, extension)
    _require_apart(found, targets)
    return [Job(source, target) for (source, _), target in zip(found, targets, strict=True)]


def _found(arguments: Sequence[str], out: Path, *, recursive: bool) -> Iterator[tuple[Path, Path]]:
    """Each picture with the folder that its result's path is relative to."""
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            yield from ((file, path) for file in _pictures(path.rglob("*") if recursive else path.iterdir(), out))
        elif path.exists():
            yield path, path.parent
        elif glob.has_magic(argument):
            matches = (Path(match) for match in glob.glob(argument, recursive=True))  # noqa: PTH207 - absolute patterns too
            yield from ((file, file.parent) for file in _pictures(matches, out))
        else:
            raise InvalidSetting(f"{argument} is not there.")


def _pictures(paths: Iterable[Path], out: Path) -> list[Path]:
    results = out.resolve()
    return sorted(
        path for path in paths if path.is_file() and results not in path.resolve().parents and _is_picture(path)
    )


def _is_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return media_type(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def _targets(found: Sequence[tuple[Path, Path]], out: Path, extension: str) -> list[Path]:
    """`photo.jpg` → `photo.png`; where two would meet, `photo.jpg.png` and `photo.webp.png`."""
    short = [out / source.relative_to(base).with_suffix(extension) for source, base in found]
    meeting = Counter(short)
    targets = [
        target if meeting[target] == 1 else target.with_name(source.name + extension)
        for target, (source, _) in zip(short, found, strict=True)
    ]
    for target, count in Counter(targets).items():
        if count > 1:
            raise InvalidSetting(
                f"Two pictures would have the result {target}. Buy them into different folders (--out)."
            )
    return targets


def _require_apart(found: Sequence[tuple[Path, Path]], targets: Sequence[Path]) -> None:
    sources = {source.resolve() for source, _ in found}
    for target in targets:
        if target.resolve() in sources:
            raise InvalidSetting(f"The result {target} would replace a picture. Name another folder (--out).")
