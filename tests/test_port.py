"""`bentoml serve --port N` and nothing else: quotes and documents name the address on which it serves."""

from pathlib import Path

import httpx

from sandbox.chains import BaseChain, TempoChain
from tests.running_service import run_service


def test_the_service_names_the_port_on_which_it_serves(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path
) -> None:
    with run_service(base_chain, tempo_chain, tmp_path, {"CLEARCANVAS_PUBLIC_URL": ""}) as service:
        quote = httpx.post(f"{service.url}/v1/remove-background", trust_env=False).json()
        document = httpx.get(f"{service.url}/openapi.json", trust_env=False).json()
    assert quote["accepts"][0]["resource"] == f"{service.url}/v1/remove-background"
    assert document["servers"] == [{"url": service.url}]
