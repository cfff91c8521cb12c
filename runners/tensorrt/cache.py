"""The engine cache on disk: one engine per key, built once and by one process.

    NAME.engine   the plan              NAME.lock   locked by the building process
    NAME.json     key and build result; a plan that does not match its digest is ignored
    NAME.bad      a plan that could not be read; kept for diagnosis
    timing-*.cache  TensorRT's kernel timings, by package and GPU

A plan is code that runs on the GPU: the folder belongs to the service, and no other user may write to it.
"""

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from runners.backend import BackendError
from runners.tensorrt.build import BuiltEngine

log = structlog.get_logger(__name__)

_POLL_S = 0.2
_LOG_INTERVAL_S = 10.0


@dataclass(frozen=True)
class EngineKey:
    """Everything that an engine depends on; a change of any value requires another engine.

    Attributes:
        graph: SHA-256 of the ONNX file.
        package: module and version of TensorRT.
        gpu, capability: model of the GPU and its compute capability, as "9.0".
        precision: "fp16", "tf32" or "fp32".
        size, batches, optimisation: as `build.BuildSpec` and `build.OPTIMISATION`.
    """

    graph: str
    package: str
    gpu: str
    capability: str
    precision: str
    size: int
    batches: tuple[int, int, int]
    optimisation: int

    @property
    def name(self) -> str:
        """Base name of its files: a readable part, then a digest of the whole key."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return f"{self.graph[:8]}-{self.precision}-{self.size}px-b{self.batches[2]}-{digest[:16]}"

    @property
    def timing(self) -> str:
        """The file of kernel timings, which engines of one package and GPU share."""
        words = f"{self.package}-{self.gpu}-sm{self.capability}"
        return f"timing-{re.sub(r'[^A-Za-z0-9.]+', '-', words)}.cache"


Build = Callable[[bytes], BuiltEngine]
"""Known kernel timings → an engine with its kernel timings; raises BackendError."""


class EngineCache:
    """The engine cache in one folder.

    Args:
        folder: created if missing, with access for this user only.
        facts: additional facts to record with an engine, such as the driver version; they are not part of the key.
    """

    def __init__(self, folder: Path, facts: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._facts = dict(facts or {})

    def obtain(self, key: EngineKey, build: Build) -> bytes:
        """The plan of this key; built if it is not cached. Waits while another process builds it.

        Raises:
            BackendError: the engine was rejected before, cannot be built, or the folder is not usable.
        """
        with _as_backend_error(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            plan = self._find(key)
            if plan is None:
                with self._locked(key):
                    plan = self._find(key) or self._built(key, build)
        return plan

    def quarantine(self, key: EngineKey, plan: bytes, reason: str) -> None:
        """Move a plan that could not be read to `.bad`, unless another process has replaced it."""
        with _as_backend_error(self.folder), self._locked(key):
            if self._find(key) == plan:
                log.warning("engine_quarantined", engine=key.name, reason=reason)
                self._path(key, "engine").replace(self._path(key, "bad"))
                self._note(key, error=reason)

    def refuse(self, key: EngineKey, reason: str) -> None:
        """Record that the engine failed its gate, because it would fail again. `forget` removes the record."""
        self.note(key, refused=reason)

    def note(self, key: EngineKey, **facts: object) -> None:
        """Record more facts about an engine."""
        with _as_backend_error(self.folder), self._locked(key):
            self._note(key, **facts)

    def forget(self, key: EngineKey) -> None:
        """Remove an engine and its record, so that it is rebuilt."""
        with _as_backend_error(self.folder), self._locked(key):
            for kind in ("engine", "json", "bad"):
                self._path(key, kind).unlink(missing_ok=True)

    def sidecar(self, key: EngineKey) -> dict[str, Any]:
        """The record of an engine; empty if there is none."""
        try:
            known = json.loads(self._path(key, "json").read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _path(self, key: EngineKey, kind: str) -> Path:
        return self.folder / f"{key.name}.{kind}"

    def _find(self, key: EngineKey) -> bytes | None:
        known = self.sidecar(key)
        if reason := known.get("refused"):
            raise BackendError(f"an earlier start rejected the engine {key.name}: {reason}")
        try:
            plan = self._path(key, "engine").read_bytes()
        except FileNotFoundError:
            return None
        return plan if hashlib.sha256(plan).hexdigest() == known.get("sha256") else None

    def _built(self, key: EngineKey, build: Build) -> bytes:
        began = time.monotonic()
        log.info("engine_build_started", engine=key.name, gpu=key.gpu, precision=key.precision)
        timing = self.folder / key.timing
        try:
            built = build(timing.read_bytes() if timing.exists() else b"")
        except BackendError as error:
            self._note(key, error=str(error))
            raise
        seconds = round(time.monotonic() - began, 1)
        if built.timing_cache:
            _write(timing, built.timing_cache)
        _write(self._path(key, "engine"), built.plan)
        digest = hashlib.sha256(built.plan).hexdigest()
        self._note(key, sha256=digest, bytes=len(built.plan), build_s=seconds, built_at=_now(), error=None)
        log.info("engine_built", engine=key.name, seconds=seconds, megabytes=round(len(built.plan) / 1e6, 1))
        return built.plan

    def _note(self, key: EngineKey, **facts: object) -> None:
        known = self.sidecar(key) | asdict(key) | self._facts | facts
        _write(self._path(key, "json"), json.dumps(known, indent=1, sort_keys=True).encode())

    @contextmanager
    def _locked(self, key: EngineKey) -> Iterator[None]:
        """Holds the key's lock among all processes; the kernel releases the lock of a process that dies."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._path(key, "lock").open("w") as file:
            _wait_for(file.fileno(), key.name)
            yield


def _wait_for(descriptor: int, name: str) -> None:
    began = logged_at = time.monotonic()
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() - logged_at > _LOG_INTERVAL_S:
            logged_at = time.monotonic()
            log.info("engine_build_awaited", engine=name, seconds=round(logged_at - began))
        time.sleep(_POLL_S)


def _write(path: Path, content: bytes) -> None:
    """Write a file atomically and durably."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _as_backend_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackendError(
            f"engines cannot be stored in {folder}: {error.strerror or error}. It must be a writable folder with "
            "free space: CLEARCANVAS_RUNNER__ENGINES_FOLDER"
        ) from error
