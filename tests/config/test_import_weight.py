"""Reading the settings is cheap: the supervisor and the runner do it, and neither sells."""

import subprocess
import sys

from sandbox.process import ROOT

HEAVY = (
    *("PIL", "aiohttp", "alembic", "bentoml", "cv2", "httpx", "mpp", "numpy", "onnx", "onnxruntime", "sqlalchemy"),
    *("starlette", "uvicorn", "web3", "x402"),
)


def test_reading_the_settings_loads_no_sdk_no_server_and_no_codec() -> None:
    script = f"import sys, config; config.load({{}}); print([each for each in {HEAVY} if each in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
