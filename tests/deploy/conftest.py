"""deploy/ as an operator would have filled it in, on paths of the test's own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from sandbox.accounts import SELLER, SETTLER
from tests.deploy.programs import DEPLOY

GIVEN = {
    "x402_rpc_url": "https://rpc.example.com/v2/0123456789abcdef",
    "mpp_rpc_url": "https://tempo.example.com/v2/0123456789abcdef",
    "x402_settlement_key": SETTLER.key,
    "x402_signer_url": "https://signer.example.com/0123456789abcdef",
    "x402_signer_token": "0123456789abcdef0123456789abcdef",
}
"""The secrets that only an operator has."""
SIGNER = f"SIGNER_ADDRESS={SETTLER.address}"


@pytest.fixture(scope="session")
def filled_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of deploy/ with both environment files, and with secrets/ as make_secrets.sh writes it."""
    folder = tmp_path_factory.mktemp("deployed") / "deploy"
    shutil.copytree(DEPLOY, folder, ignore=shutil.ignore_patterns("secrets", "*.env", "__pycache__"))
    (folder / ".env").write_text((folder / "env.example").read_text().replace("#SIGNER_ADDRESS=0x...", SIGNER))
    settings = (folder / "clearcanvas.env.example").read_text()
    for name in ("X402__PAY_TO", "MPP__RECIPIENT"):
        settings = settings.replace(f"CLEARCANVAS_{name}=\n", f"CLEARCANVAS_{name}={SELLER.address}\n")
    (folder / "clearcanvas.env").write_text(settings)
    subprocess.run([folder / "make_secrets.sh"], check=True, capture_output=True)
    for name, value in GIVEN.items():
        (folder / "secrets" / name).write_text(f"{value}\n")
    return folder
