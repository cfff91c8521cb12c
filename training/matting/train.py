"""Training: one loop from the first step or the last checkpoint to the end of its time, or until it is told to stop."""

import contextlib
import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from training.matting.batch_norms import calibrate
from training.matting.cache import Cache, open_cache
from training.matting.experiment import Experiment, ExperimentError, OptimiserSettings
from training.matting.geometry import WHOLE, look
from training.matting.losses import figures, loss
from training.matting.network import MattingNetwork
from training.matting.onnx_import import take_back
from training.matting.prefetch import Prefetch
from training.matting.records import RENDERED_SCENES, Kind, find
from training.matting.run import Row, RunFolder, sha256
from training.matting.sheets import curves, sheet
from training.matting.synthesis import Batch, Synthesis

SHOWN = 10
CHUNK = 16


@dataclass(frozen=True)
class Limits:
    """How long a run is, and how much of it happens now.

    Attributes:
        minutes: training time of the whole run, which the schedule spreads over; or
        steps: the same in steps, which makes a run repeatable to the bit on one kind of machine.
        at_most: minutes after which this call stops with a checkpoint, to be resumed by another.
        every: minutes between measurements, each with a checkpoint.
    """

    minutes: float | None = None
    steps: int | None = None
    at_most: float = math.inf
    every: float = 3.0

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise ValueError("a run lasts either so many minutes or so many steps")

    def progress(self, minutes: float, step: int) -> float:
        """0 at the start, 1 at the end."""
        if self.steps is not None:
            return step / self.steps
        assert self.minutes is not None  # noqa: S101 - one of the two is given
        return minutes / self.minutes


@dataclass
class Watch:
    """Who wants to know how it goes, as progress 0..1 and a line of text, and may end it: `stop` is asked each step."""

    report: Callable[[float, str], None] = lambda _progress, _line: None
    stop: Callable[[], bool] = lambda: False


@dataclass
class Clock:
    """Minutes of training, over all calls of a run; measuring and drawing sheets count, loading pictures does not."""

    before: float
    began: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> float:
        """Minutes since the run's first step, pauses left out."""
        return self.before + self.here

    @property
    def here(self) -> float:
        """Minutes of this call."""
        return (time.monotonic() - self.began) / 60


def train(experiment: Experiment, data: Path, out: Path, limits: Limits, *, device: torch.device, resume: bool,
          start: Path | None = None, cache_folder: Path | None = None,
          watch: Watch | None = None) -> list[Row]:  # fmt: skip
    """Run the experiment, or go on with it, and return its measurements.

    `start` is what a new run takes its first weights from: the folder of a finished run of an equal network, or an ONNX
    file that `export` made of one.

    Raises ExperimentError when a folder is another run's or not finished, DataError when the data cannot be trained on.
    """
    watch = watch or Watch()
    folder = RunFolder(out)
    folder.begin(experiment, resume=resume)
    cache = _cache(experiment, data, cache_folder or out / "cache", watch).on(device)
    trainer = Trainer(experiment, data, cache, folder, limits)
    if resume and folder.checkpoint.exists():
        trainer.restore()
    elif start:
        trainer.begin_with(start)
    else:
        trainer.calibrate()
    trainer.run(watch)
    return trainer.rows


def _cache(experiment: Experiment, data: Path, folder: Path, watch: Watch) -> Cache:
    records = find(data, permissive_only=experiment.data.permissive_only)
    return open_cache(
        records, data, folder, side=experiment.data.side, soften_hard=experiment.data.soften,
        seen=lambda number: watch.report(0.0, f"decoding picture {number + 1} of {len(records)}"),
    )  # fmt: skip


def validation_rows(cache: Cache, count: int) -> list[int]:
    """Photographs kept apart: those whose names have the smallest digests, so that more pictures change few of them.

    Rendered scenes are none: their things are trained on as cut-outs too.
    """
    photos = [
        row for row, entry in enumerate(cache.entries) if entry.kind is Kind.PHOTO and entry.group != RENDERED_SCENES
    ]
    photos.sort(key=lambda row: hashlib.sha256(cache.entries[row].file.encode()).digest())
    return photos[: min(count, len(photos) // 5)]


class Trainer:
    """Network, its running average, optimiser and samples, and where they stand."""

    def __init__(self, experiment: Experiment, data: Path, cache: Cache, folder: RunFolder, limits: Limits):
        torch.manual_seed(experiment.seed)
        self.experiment, self.cache, self.folder, self.limits = experiment, cache, folder, limits
        self.device = cache.pixels.device
        kept = validation_rows(cache, experiment.data.validation)
        rows = sorted(set(range(len(cache.entries))) - set(kept))
        self.validation = kept
        self.synthesis = Synthesis(cache, rows, experiment.data, experiment.synthesis, experiment.seed)
        network = MattingNetwork(experiment.network)
        network.start_from(data)
        # Channels last is what convolutions want on CPUs and tensor cores alike.
        self.network = network.to(self.device)
        for parameter in self.network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self.average = _average(self.network, experiment.optimiser)
        self.optimiser = _optimiser(self.network, experiment.optimiser)
        self.step, self.minutes, self.pictures = 0, 0.0, 0
        self.rows: list[Row] = []
        self._since: list[Tensor] = []

    def calibrate(self) -> None:
        """Set the encoder's batch norms, where it has any, by one batch of the first stage."""
        if self.experiment.network.encoder_norm:
            calibrate(self.network.encoder, self._first() / 127.5 - 1)
            self.average = _average(self.network, self.experiment.optimiser)

    def begin_with(self, start: Path) -> None:
        """Take the weights that another run ended with, or that an exported file holds, and write down which."""
        if start.is_dir():
            run = RunFolder(start)
            self._go_on_from(run)
            begun = {"run": run.experiment().name, "weights": sha256(run.weights)}
        else:
            take_back(self.network, start, self._first())
            begun = {"file": start.name, "weights": sha256(start)}
        self.average = _average(self.network, self.experiment.optimiser)
        self.folder.write("start.json", (json.dumps(begun, indent=2) + "\n").encode())

    def _go_on_from(self, run: RunFolder) -> None:
        if run.experiment().network.shape != self.experiment.network.shape:
            raise ExperimentError(
                f"{run.path} trained a network of another shape than {self.experiment.name} describes."
            )
        self.network.load_state_dict(run.load(run.weights))

    def _first(self) -> Tensor:
        """Pictures to set batch norms by, 0..255 [N,3,S,S]: a batch of the first stage that no step trains on."""
        stage = self.experiment.stages[0]
        return self.synthesis.batch(-1, stage.batch, stage.side).image

    def run(self, watch: Watch) -> None:
        """Until the end, the time of this call, or a stop; the last thing is always a checkpoint."""
        clock = Clock(self.minutes)
        measured = clock.now
        with Prefetch(self.synthesis) as samples:
            while (progress := self.limits.progress(clock.now, self.step)) < 1 and clock.here < self.limits.at_most:
                if watch.stop():
                    break
                stage = self.experiment.stage(progress)
                self._since.append(self._learn(samples.batch(self.step, stage.batch, stage.side), progress))
                watch.report(progress, f"step {self.step}, {self.pictures} pictures{self._last()}")
                if clock.now - measured >= self.limits.every:
                    self._measure(clock)
                    measured = clock.now
        self._measure(clock)
        if self.limits.progress(clock.now, self.step) >= 1:
            self.folder.save(self.folder.weights, self.average.module.state_dict())
        self.folder.seal()

    def _learn(self, batch: Batch, progress: float) -> Tensor:
        """One step; returns its loss, left on the device so that nothing waits for it."""
        settings = self.experiment.optimiser
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * rate(settings, self.step, progress)
        with self._cast():
            logits, coarse = self.network(batch.image.contiguous(memory_format=torch.channels_last))
        total = torch.stack(list(loss(logits, coarse, batch.alpha, self.experiment.loss, batch.soft).values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        self.optimiser.step()
        self.average.update_parameters(self.network)
        self.step += 1
        self.pictures += len(batch.image)
        return total.detach()

    def _cast(self) -> contextlib.AbstractContextManager[Any]:
        wanted = self.experiment.optimiser.precision == "bf16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=wanted and has_bfloat16(self.device))

    def _last(self) -> str:
        row = self.rows[-1] if self.rows else None
        return f", loss {row['loss']:.3f}, validation MAE {row['mae']:.4f}, IoU {row['iou']:.3f}" if row else ""

    def _measure(self, clock: Clock) -> None:
        """A row of the curves, sheets, and a checkpoint. Nothing if no step was made since the last."""
        if not self._since:
            return
        stage = self.experiment.stage(self.limits.progress(clock.now, self.step - 1))
        mae, iou = self._validate(stage.side)
        self.rows.append({
            "minutes": round(clock.now, 3), "step": self.step, "pictures": self.pictures, "side": stage.side,
            "loss": round(float(torch.stack(self._since).mean()), 5), "mae": mae, "iou": iou,
        })  # fmt: skip
        self._since.clear()
        self.folder.curves(self.rows)
        self.folder.write("curves.png", curves(self.rows))
        shown = self.synthesis.batch(self.step, SHOWN, stage.side)
        self.folder.write(f"sheets/samples-{self.step:07}.png", self._sheet(shown))
        self.minutes = clock.now
        self._checkpoint()

    def _validate(self, side: int) -> tuple[float, float]:
        """Mean absolute error and intersection over union of the photographs kept apart, whole, as the service sees."""
        if not self.validation:
            return math.nan, math.nan
        found = [figures(self._alpha(batch.image), batch.alpha) for batch in self._kept(side)]
        self.folder.write(f"sheets/validation-{self.step:07}.png", self._sheet(next(self._kept(side))))
        mae, iou = (torch.cat(values).mean().item() for values in zip(*found, strict=True))
        return round(mae, 5), round(iou, 5)

    def _kept(self, side: int) -> Iterator[Batch]:
        for start in range(0, len(self.validation), CHUNK):
            rows = self.validation[start : start + CHUNK]
            rgba = look(self.cache.pixels, rows, [WHOLE] * len(rows), side, padding="border")
            yield Batch((rgba[:, :3] * 255).round(), rgba[:, 3:], torch.zeros(len(rows), dtype=torch.bool))

    @torch.no_grad()
    def _alpha(self, image: Tensor) -> Tensor:
        """What the averaged network makes of pictures, [N,1,S,S] in 0..1."""
        self.average.eval()
        with self._cast():
            logits: Tensor = self.average(image.contiguous(memory_format=torch.channels_last))[0]
        return logits.float().sigmoid()

    def _sheet(self, batch: Batch) -> bytes:
        image, truth = batch.image[:SHOWN], batch.alpha[:SHOWN]
        return sheet(image, truth, self._alpha(image))

    def _checkpoint(self) -> None:
        self.folder.save(self.folder.checkpoint, {
            "network": self.network.state_dict(), "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(), "step": self.step, "minutes": self.minutes,
            "pictures": self.pictures, "rows": self.rows,
        })  # fmt: skip

    def restore(self) -> None:
        """Stand where the last checkpoint stood. Samples come from the seed and the step, so nothing else is needed."""
        state = self.folder.load(self.folder.checkpoint)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.minutes, self.pictures = state["step"], state["minutes"], state["pictures"]
        self.rows = state["rows"]


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 saves time there. Processors without instructions for it need many times what 32 bits need."""
    return device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def rate(settings: OptimiserSettings, step: int, progress: float) -> float:
    """Share of the full learning rate: a linear warm-up over steps, then a cosine over the run down to the floor."""
    warm = min(1.0, (step + 1) / max(1, settings.warm_up_steps))
    return warm * (settings.floor + (1 - settings.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def _optimiser(network: MattingNetwork, settings: OptimiserSettings) -> torch.optim.AdamW:
    """Two rates; only weights that are multiplied with something decay, not biases and batch norms."""
    encoder = {id(parameter) for parameter in network.encoder.parameters()}
    groups = []
    for inside, rate_ in ((True, settings.encoder_rate), (False, settings.rate)):
        own = [p for p in network.parameters() if p.requires_grad and (id(p) in encoder) is inside]
        for decays in (True, False):
            decay = settings.weight_decay if decays else 0.0
            groups.append({"params": [p for p in own if (p.ndim > 1) is decays], "rate": rate_, "weight_decay": decay})
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=settings.rate)


def _average(network: nn.Module, settings: OptimiserSettings) -> AveragedModel:
    """Exponential moving average of weights and batch norm statistics, which follows faster in the first steps."""

    def follow(averages: Any, currents: Any, count: Any) -> None:
        # Each call brings tensors of one type; batch norms count their batches in whole numbers.
        if averages[0].is_floating_point():
            past = min(settings.average, (1 + float(count)) / (10 + float(count)))
            torch._foreach_lerp_(averages, currents, 1 - past)
        else:
            torch._foreach_copy_(averages, currents)

    return AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
