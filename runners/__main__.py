"""python -m runners build | verify | bench: build engines and check backends on this machine, without the service.

Models, folders and the backend come from the service's environment variables; options override them. TOML files are not
read. Results go to standard output, everything else to standard error.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import structlog

from models import MODELS, ModelError, ModelManifest
from runners.backend import BackendError
from runners.bench import benchmark
from runners.choice import BackendChoice, BackendName

ROOT = Path(__file__).parent.parent
_PREFIX = "CLEARCANVAS_RUNNER__"


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 1 when a model cannot run as requested."""
    options = _parser().parse_args(words)
    failed = False
    for name in options.models:
        try:
            manifest = ModelManifest.load(name, MODELS, options.models_folder)
            options.run(manifest, options)
        except (ModelError, BackendError) as error:
            print(f"{name}: {error}", file=sys.stderr)  # noqa: T201  # a command's output
            failed = True
    return int(failed)


def _build(manifest: ModelManifest, options: argparse.Namespace) -> None:
    """Build the engine that the service would use and check it against its gate."""
    choice = _choice(options, "tensorrt")
    if options.force:
        choice.engine_factory.forget(manifest)
    backend = choice.load(manifest)
    _print_json(
        {
            "model": manifest.label,
            "backend": backend.name,
            "engine": choice.engine_factory.facts(manifest, backend.name),
        }
    )
    backend.close()


def _verify(manifest: ModelManifest, options: argparse.Namespace) -> None:
    """Print which backend the service would use."""
    choice = _choice(options, options.backend)
    if options.quick and choice.needs_engine_build(manifest):
        choice.engine_factory.parse(manifest)
        _print_json({"model": manifest.label, "backend": "tensorrt", "engine": "to be built"})
        return
    backend = choice.load(manifest)
    _print_json({"model": manifest.label, "backend": backend.name, "max_batch": backend.max_batch})
    backend.close()


def _bench(manifest: ModelManifest, options: argparse.Namespace) -> None:
    """Benchmark the backend that the service would use."""
    backend = _choice(options, options.backend).load(manifest)
    for row in benchmark(backend, manifest.input.size, batches=options.batches, seconds=options.seconds):
        _print_json({"model": manifest.label, "backend": backend.name, **row})
    backend.close()


def _choice(options: argparse.Namespace, wanted: Any) -> BackendChoice:
    return BackendChoice(
        wanted,
        threads=options.threads,
        max_batch=options.max_batch,
        engines=options.engines,
        precision=options.precision,
        progress=_progress if sys.stderr.isatty() else None,
    )


def _progress(phase: str, share: float) -> None:
    print(f"\r\x1b[K{phase}: {share:.0%}", end="", file=sys.stderr, flush=True)  # noqa: T201  # as above


def _print_json(facts: dict[str, Any]) -> None:
    print(json.dumps(facts), flush=True)  # noqa: T201  # as above


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m runners", description=(__doc__ or "").split("\n\n")[0])
    commands = parser.add_subparsers(required=True)
    common = _common()
    build = commands.add_parser("build", parents=[common], help="build TensorRT's engines")
    build.add_argument("--force", action="store_true", help="rebuild existing and rejected engines")
    build.set_defaults(run=_build)
    verify = commands.add_parser(
        "verify", parents=[common], help="print which backend the service would use, or why none works"
    )
    verify.add_argument("--quick", action="store_true", help="do not build; only parse models without an engine")
    verify.set_defaults(run=_verify)
    bench = commands.add_parser("bench", parents=[common], help="benchmark the backend")
    bench.add_argument("--batches", type=_numbers, default=(1, 2, 4, 8, 16, 32), metavar="1,2,…")
    bench.add_argument("--seconds", type=float, default=2.0, help="minimum duration per batch size")
    bench.set_defaults(run=_bench)
    return parser


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "models", nargs="*", default=list(_served()), help="default: the models that the service serves"
    )
    common.add_argument("--backend", choices=("auto", *get_args(BackendName)), default=_variable("BACKEND", "auto"))
    common.add_argument("--precision", choices=("auto", "fp32"), default=_variable("PRECISION", "auto"))
    common.add_argument("--threads", type=int, default=int(_variable("THREADS", "1")))
    common.add_argument("--max-batch", type=_limit, default=_limit(_variable("MAX_BATCH_SIZE", "auto")))
    common.add_argument("--models-folder", type=_path, default=_path(_variable("MODELS_FOLDER", "state/models")))
    common.add_argument("--engines", type=_path, default=_path(_variable("ENGINES_FOLDER", "state/engines")))
    return common


def _served() -> Iterator[str]:
    yield _variable("MODEL", "clearcanvas-matte-6")
    yield from (each.partition("=")[0] for each in _variable("MORE_MODELS", "").replace(",", " ").split())


def _variable(name: str, default: str) -> str:
    return os.environ.get(_PREFIX + name) or default


def _path(text: str) -> Path:
    return ROOT / text


def _limit(text: str) -> int | None:
    return None if text == "auto" else int(text)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(","))


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    sys.exit(main())
