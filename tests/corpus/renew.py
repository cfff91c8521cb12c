"""Write down anew how Chromium shows the small files of our own: `python -m tests.corpus.renew`. Needs `chromium`."""

import json
import sys
import tempfile
from pathlib import Path

from tests.corpus.browser import find_browser, shown
from tests.corpus.png_kinds import broken, sound

SHOWN = Path(__file__).with_name("shown.json")


def main() -> None:
    browser = find_browser()
    if browser is None:
        sys.exit("No Chromium here. On Debian: apt install chromium")
    bodies = dict([*sound(), *broken()])
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{name}.png") for name in bodies]
        for file, body in zip(files, bodies.values(), strict=True):
            file.write_bytes(body)
        pictures = dict(zip(bodies, shown(files, browser), strict=True))
    hexadecimal = {name: None if each is None else each.tobytes().hex() for name, each in pictures.items()}
    SHOWN.write_text(json.dumps(hexadecimal, indent=1) + "\n")
    print(f"{SHOWN.name}: {len(bodies)} files, {sum(each is None for each in pictures.values())} not shown")


if __name__ == "__main__":
    main()
