"""The real network in OpenVINO, an optional extra."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from models.manifest import MODELS, Precision
from runners.backend import BackendError, Pixels
from runners.choice import BackendChoice
from runners.golden import golden
from runners.openvino_backend import OpenVinoBackend
from runners.ort_backend import OrtBackend
from runners.precisions import has_vnni
from sandbox.process import ROOT
from tests.shipped import NAME, SHIPPED

SIDE = SHIPPED.input.size


def _golden_pictures(folder: Path) -> Pixels:
    return golden(SHIPPED, lambda: OrtBackend(SHIPPED, device="cpu", threads=1).infer, folder).pictures


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_it_equals_onnx_runtime_alone_and_in_a_batch(precision: Precision, tmp_path: Path) -> None:
    """In fp32 to the level: by OpenVINO's own default some processors would compute in bfloat16."""
    shown = _golden_pictures(tmp_path)[:3]
    backend = OpenVinoBackend(SHIPPED, threads=1, precision=precision)
    alone = [backend.infer(each[None])[0] for each in shown]
    together = backend.infer(shown)
    assert together.dtype == np.uint8
    assert np.abs(together.astype(int) - np.stack(alone)).max() <= 1
    expected = OrtBackend(SHIPPED, device="cpu", threads=1).infer(shown)
    apart = np.abs(together.astype(int) - expected)
    assert apart.max() <= (1 if precision == "fp32" else 255)
    assert apart.mean() <= SHIPPED.variants["int8"].gate.mean
    backend.close()


@pytest.mark.parametrize(
    "images", [np.zeros((1, SIDE, SIDE + 1, 3), np.uint8), np.zeros((1, SIDE, SIDE, 3), np.float32)]
)
def test_a_wrong_shape_or_type_is_rejected(images: Pixels) -> None:
    backend = OpenVinoBackend(SHIPPED, threads=1)
    with pytest.raises(BackendError, match="images must be uint8"):
        backend.infer(images)


def test_damaged_or_missing_weights_are_rejected(tmp_path: Path) -> None:
    broken = SHIPPED.model_copy(update={"file": f"{NAME}.toml"})
    with pytest.raises(BackendError, match="do not match the manifest of"):
        OpenVinoBackend(broken, threads=1)
    text = (MODELS / f"{NAME}.toml").read_bytes()
    broken = broken.model_copy(update={"sha256": hashlib.sha256(text).hexdigest()})
    with pytest.raises(BackendError, match="OpenVINO cannot compile the graph"):
        OpenVinoBackend(broken, threads=1)


def test_when_configured_it_uses_the_best_precision_of_the_processor(tmp_path: Path) -> None:
    expected = "openvino-cpu-int8" if has_vnni() else "openvino-cpu"
    with capture_logs() as logs:
        backend = BackendChoice("openvino", threads=1, engines=tmp_path).load(SHIPPED)
    assert (backend.name, backend.device, backend.max_batch) == (expected, "cpu", None)
    assert "backend_accepted" in [each["event"] for each in logs]
    backend.close()


def test_auto_does_not_use_openvino(tmp_path: Path) -> None:
    assert "openvino" not in BackendChoice("auto", threads=1, engines=tmp_path).order


def test_a_missing_package_is_reported_with_a_remedy() -> None:
    code = "import sys; sys.modules['openvino'] = None; from pathlib import Path; "
    code += "from runners.choice import BackendChoice; from tests.shipped import SHIPPED; "
    code += "BackendChoice('openvino', threads=1, engines=Path('.')).load(SHIPPED)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "openvino: import of openvino halted" in done.stderr
    assert "Install requirements/openvino.txt" in done.stderr


def test_telemetry_is_disabled(tmp_path: Path) -> None:
    code = "import sys, runners.openvino_backend; print([name for name in sys.modules if 'openvino_telemetry' in name])"
    env = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == "['openvino_telemetry']"  # noted as missing
    assert not list(tmp_path.rglob("*openvino*"))  # no identifier of the user was made
