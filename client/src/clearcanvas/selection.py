"""Finds the pictures to buy and names their result files."""

import glob
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clearcanvas.errors import InvalidSetting
from clearcanvas.picture import HEAD_BYTES, media_type

EXTENSIONS = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}
_OF_FILES = {".png": "png", ".webp": "webp", ".jpg": "jpeg", ".jpeg": "jpeg"}


@dataclass(frozen=True)
class Job:
    """One picture and the file for its result."""

    source: Path
    target: Path


def jobs(arguments: Sequence[str], out: Path, *, format: str, recursive: bool) -> list[Job]:
    """The jobs for files, folders and patterns.

    In folders and patterns, every file that starts like a JPEG, PNG or WebP file is a picture, whatever its name. A
    file named explicitly is always a job, and is refused later if it is not a picture. `out` is a folder; for one
    picture it may be a file.

    Raises:
        InvalidSetting: a path does not exist, there is no picture, or results would lie among the pictures.
    """
    found = list(dict.fromkeys(_found(arguments, out, recursive=recursive)))
    if not found:
        raise InvalidSetting(f"No JPEG, PNG or WebP file exists in {', '.join(arguments)}.")
    if out.suffix.lower() in _OF_FILES and not out.is_dir():
        targets = [_file(found, out, format)]
    else:
        targets = _targets(found, out, EXTENSIONS[format])
    _require_apart(found, targets)
    return [Job(source, target) for (source, _), target in zip(found, targets, strict=True)]


def _file(found: Sequence[tuple[Path, Path]], out: Path, format: str) -> Path:
    """`out` as the file for the one picture."""
    if len(found) > 1:
        raise InvalidSetting(f"--out must be a folder for {len(found)} pictures; {out} is a file name.")
    if _OF_FILES[out.suffix.lower()] != format:
        raise InvalidSetting(f"--out {out} must have the extension of --format {format}: {EXTENSIONS[format]}.")
    return out


def _found(arguments: Sequence[str], out: Path, *, recursive: bool) -> Iterator[tuple[Path, Path]]:
    """Each picture with the folder that its result's path is relative to."""
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            inside = path.rglob("*") if recursive else path.iterdir()
            yield from ((file, path) for file in _pictures(inside, path, out))
        elif path.exists():
            yield path, path.parent
        elif glob.has_magic(argument):
            matches = (Path(match) for match in glob.glob(argument, recursive=True))  # noqa: PTH207 - absolute ones too
            yield from ((file, file.parent) for file in _pictures(matches, _fixed_part(path), out))
        else:
            raise InvalidSetting(f"{argument} does not exist.")


def _fixed_part(pattern: Path) -> Path:
    """The folder in which a pattern searches."""
    return next(folder for folder in pattern.parents if not glob.has_magic(str(folder)))


def _pictures(paths: Iterable[Path], base: Path, out: Path) -> list[Path]:
    """The paths in the folder `base` that are pictures and do not lie in the folder of results."""
    top, results = base.resolve(), out.resolve()
    if top == results:
        raise InvalidSetting(f"The next run would read results in {out} as pictures. Name another folder (--out).")
    found = sorted(path for path in paths if path.is_file() and _is_picture(path))
    return [path for path in found if not (top in results.parents and results in path.resolve().parents)]


def _is_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return media_type(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def _targets(found: Sequence[tuple[Path, Path]], out: Path, extension: str) -> list[Path]:
    """`photo.jpg` → `photo.png`; if two names collide, `photo.jpg.png` and `photo.webp.png`."""
    short = [out / source.relative_to(base).with_suffix(extension) for source, base in found]
    uses = Counter(map(_folded, short))
    targets = [
        target if uses[_folded(target)] == 1 else target.with_name(source.name + extension)
        for target, (source, _) in zip(short, found, strict=True)
    ]
    for target, count in Counter(map(_folded, targets)).items():
        if count > 1:
            raise InvalidSetting(f"Two pictures would have the result file {target}. Use different folders (--out).")
    return targets


def _folded(path: Path) -> str:
    """The name on disks that ignore case."""
    return str(path).casefold()


def _require_apart(found: Sequence[tuple[Path, Path]], targets: Sequence[Path]) -> None:
    sources = {source.resolve() for source, _ in found}
    for target in targets:
        if target.resolve() in sources:
            raise InvalidSetting(f"The result {target} would replace a picture. Name another folder (--out).")
