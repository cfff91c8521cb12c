"""Decode every picture of a folder as the service does, and compare with what Chromium shows.

    make corpus FOLDER=pictures [GOLDEN=golden.json]

Prints each file that differs or is refused, and the counts. With GOLDEN, a JSON file of verdicts by file name, what has
another verdict is printed and the command fails then; the file is written where there is none. Needs `chromium`.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rich.progress import track

from tests.corpus.browser import find_browser, shown
from tests.corpus.verdicts import verdict

SUFFIXES = {".png", ".apng", ".jpg", ".jpeg", ".jfif", ".webp"}


def judged(folder: Path, browser: str) -> dict[str, str]:
    """Verdicts by path within the folder."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    pictures = track(shown(files, browser), "Comparing", total=len(files), transient=True)
    return {
        str(file.relative_to(folder)): str(verdict(file, picture))
        for file, picture in zip(files, pictures, strict=True)
    }


def report(found: Mapping[str, str], expected: Mapping[str, str]) -> int:
    """Print what is not as expected, and how many there are of each kind; the number of the former."""
    surprises = [name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name, "same")]
    for name in surprises:
        known = f" (expected: {expected[name]})" if name in expected else ""
        print(f"{name}: {found.get(name, 'is gone')}{known}")
    for kind, count in Counter(each.partition(":")[0] for each in found.values()).most_common():
        print(f"{count:6} {kind}")
    return len(surprises)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of PNG, JPEG and WebP files; folders in it count")
    parser.add_argument("--golden", type=Path, help="JSON file of verdicts that are expected")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        sys.exit(f"{arguments.folder} is not a folder.")
    browser = find_browser()
    if browser is None:
        sys.exit("No Chromium here. On Debian: apt install chromium")
    found = judged(arguments.folder, browser)
    golden = arguments.golden
    if golden is None:
        report(found, {})
        return 0
    if not golden.exists():
        golden.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{golden}: {len(found)} verdicts written")
        return 0
    return 1 if report(found, json.loads(golden.read_text())) else 0


if __name__ == "__main__":
    sys.exit(main())
