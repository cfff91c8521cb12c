"""compose.yaml as Docker Compose reads it, with the settings that its containers would get. No container runs here."""

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.config import UploadLimits
from config import load, runner_faults
from payments.mpp.config import MppConfig
from payments.x402.config import X402Config
from runners.config import RunnerConfig
from sandbox.accounts import SELLER, SETTLER
from settings_types.types import is_loopback
from tests.deploy.programs import DEPLOY, json_of, program

Service = dict[str, Any]

VARIANTS = {
    "cpu": ["compose.yaml"],
    "gpu": ["compose.yaml", "compose.gpu.yaml"],
    "signer": ["compose.yaml", "compose.signer.yaml"],
}
OURS = ("api", "runner")


def composed(folder: Path, variant: str) -> dict[str, Any]:
    files = [argument for name in VARIANTS[variant] for argument in ("--file", name)]
    found = json_of([program("docker-compose"), *files, "config", "--format", "json"], cwd=folder)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module", params=VARIANTS)
def services(filled_in: Path, request: pytest.FixtureRequest) -> dict[str, Service]:
    """Every service as Compose would start it."""
    found: dict[str, Service] = composed(filled_in, request.param)["services"]
    return found


def environment(service: Service, folder: Path) -> dict[str, str]:
    """What a container of it finds in its environment, its secrets being files of this machine."""
    there = {name: value or "" for name, value in service["environment"].items()}
    return {name: value.replace("/run/secrets/", f"{folder}/secrets/") for name, value in there.items()}


def neighbours(services: dict[str, Service], name: str) -> set[str]:
    """Who shares a network with a service."""
    own = set(services[name]["networks"])
    return {each for each, service in services.items() if each != name and own & set(service["networks"])}


def test_the_api_starts_with_these_settings(services: dict[str, Service], filled_in: Path) -> None:
    settings = load(environment(services["api"], filled_in))
    assert settings.ledger_url().startswith("postgresql://clearcanvas:")
    assert (settings.rail(X402Config).pay_to, settings.rail(MppConfig).recipient) == (SELLER.address, SELLER.address)
    assert settings.public_url == "https://cutouts.example.com"
    assert settings.runner.addresses == ("http://runner:3100",)
    assert settings.rate_limit.redis_url is not None
    assert settings.runner.token is not None


def test_a_runner_starts_with_these_and_shares_the_apis_token(services: dict[str, Service], filled_in: Path) -> None:
    runner = load(environment(services["runner"], filled_in), rules=runner_faults)
    api = load(environment(services["api"], filled_in))
    assert not is_loopback(runner.runner.host)
    assert runner.runner.token == api.runner.token
    port = services["runner"]["environment"]["BENTOML_PORT"]
    assert int(port) == RunnerConfig().port == int(api.runner.addresses[0].rpartition(":")[2])


def test_the_runner_knows_no_secret_but_its_token(services: dict[str, Service]) -> None:
    assert [each["source"] for each in services["runner"]["secrets"]] == ["runner_token"]


def test_only_who_must_reaches_the_stores_and_the_runner(services: dict[str, Service]) -> None:
    assert neighbours(services, "postgres") == {"api", "redis"}
    assert neighbours(services, "redis") == {"api", "postgres"}
    assert neighbours(services, "runner") == {"api", "prometheus"}
    assert neighbours(services, "caddy") == {"api"}


def test_networks_without_a_reason_have_no_way_out(filled_in: Path) -> None:
    networks = composed(filled_in, "cpu")["networks"]
    assert {name for name, network in networks.items() if not network.get("internal")} == {"edge", "operator"}


def test_caddy_alone_is_reached_from_outside(services: dict[str, Service]) -> None:
    published = {
        name: {(port.get("host_ip"), port["published"]) for port in service["ports"]}
        for name, service in services.items()
        if "ports" in service
    }
    assert published == {"caddy": {(None, "80"), (None, "443")}, "grafana": {("127.0.0.1", "3001")}}


def test_every_container_is_closed_and_watched(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "privileged" not in service, name
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name
    assert {name for name, service in services.items() if "cap_add" in service} == {"caddy"}


def test_images_have_versions(services: dict[str, Service]) -> None:
    for name, service in services.items():
        tag = service["image"].partition(":")[2]
        assert tag in {"cpu", "gpu"} if name in OURS else re.fullmatch(r"v?\d+\.\d+(\.\d+)?", tag), name


def test_secrets_are_given_as_files_only(services: dict[str, Service], filled_in: Path) -> None:
    given = {path.name: path.read_text().strip() for path in (filled_in / "secrets").iterdir()}
    for name, service in services.items():
        text = yaml.safe_dump(service)
        assert not [secret for secret in given if given[secret] in text], name
        mounted = {each["source"] for each in service.get("secrets", [])}
        assert set(re.findall(r"/run/secrets/(\w+)", text)) <= mounted, name


def test_every_secret_is_used_and_written(filled_in: Path) -> None:
    used: dict[str, set[str]] = {}
    for variant in VARIANTS:
        whole = composed(filled_in, variant)
        used[variant] = {each["source"] for one in whole["services"].values() for each in one.get("secrets", [])}
        assert used[variant] == set(whole["secrets"])
    assert used["cpu"] == used["gpu"]
    assert used["cpu"] - used["signer"] == {"x402_settlement_key"}
    assert used["signer"] - used["cpu"] == {"x402_signer_url", "x402_signer_token"}
    assert used["cpu"] | used["signer"] == {path.name for path in (filled_in / "secrets").iterdir()}


def test_a_signer_takes_the_place_of_the_settlement_key(filled_in: Path) -> None:
    api = composed(filled_in, "signer")["services"]["api"]
    settings = load(environment(api, filled_in)).rail(X402Config)
    assert settings.settles_itself
    assert (settings.settlement_key, settings.signer_address) == (None, SETTLER.address)
    assert settings.signer_url is not None
    assert settings.signer_token is not None


def test_only_what_outlives_a_container_is_on_a_volume(services: dict[str, Service]) -> None:
    places = {name: {each["target"] for each in services[name]["volumes"]} for name in (*OURS, "postgres")}
    assert places == {
        "api": {"/var/lib/clearcanvas"},
        "runner": {"/var/lib/clearcanvas", "/var/cache/clearcanvas"},
        "postgres": {"/var/lib/postgresql/data"},
    }


def test_the_gpu_is_the_runners(filled_in: Path) -> None:
    services = composed(filled_in, "gpu")["services"]
    with_gpu = {name for name, service in services.items() if service.get("deploy", {}).get("resources")}
    assert with_gpu == {"runner"}
    assert services["runner"]["image"] == "clearcanvas:gpu"
    assert services["api"]["image"] == "clearcanvas:cpu"


def test_caddy_hands_the_api_what_it_can_take(services: dict[str, Service]) -> None:
    environ = {name: str(value) for name, value in services["caddy"]["environment"].items()}
    caddy: list[str | Path] = [
        program("caddy"),
        "adapt",
        "--validate",
        "--config",
        DEPLOY / "Caddyfile",
        "--adapter",
        "caddyfile",
    ]
    adapted = json_of(caddy, cwd=DEPLOY, environ={**environ, "HOME": "/nonexistent"})
    text = yaml.safe_dump(adapted)
    most = UploadLimits().max_bytes
    [limit] = {int(each) for each in re.findall(r"max_size: (\d+)", text)}
    assert most + 100_000 < limit < most + 2_000_000  # room for a form around the picture
    assert re.findall(r"name: (\S+)\n.*port: '(\d+)'", text) == [("api", "3000")]
    [server] = adapted["apps"]["http"]["servers"].values()
    assert server["read_timeout"] > UploadLimits().receive_timeout_s * 1e9  # the API's own answer comes first
    assert "/metrics" in text


def test_prometheus_scrapes_services_that_are_there(services: dict[str, Service], filled_in: Path) -> None:
    jobs = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    places = {(name, job["dns_sd_configs"][0]["port"]) for job in jobs for name in job["dns_sd_configs"][0]["names"]}
    metrics_port = load(environment(services["api"], filled_in)).metrics_port
    assert metrics_port is not None
    assert places == {("api", metrics_port), ("runner", RunnerConfig().port)}
    assert neighbours(services, "prometheus") >= {"api", "runner", "grafana"}


def test_secrets_are_written_once_and_agree(filled_in: Path) -> None:
    secrets = filled_in / "secrets"
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    again = subprocess.run([filled_in / "make_secrets.sh"], check=True, capture_output=True, text=True)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert again.stdout == ""  # nothing is left to be given
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert before["postgres_password"].strip() in before["database_url"]
    [password] = re.findall(r"^requirepass (\w{64})$", before["redis_conf"], re.MULTILINE)
    assert f":{password}@redis:" in before["redis_url"]
    assert len({before[name] for name in ("postgres_password", "runner_token", "mpp_secret_key")}) == 3


def test_every_image_of_the_example_is_the_default(filled_in: Path) -> None:
    example = re.findall(r"^#(\w+_IMAGE)=(\S+)$", (DEPLOY / "env.example").read_text(), re.MULTILINE)
    defaults = re.findall(r"\$\{(\w+_IMAGE):-([^}]+)\}", (DEPLOY / "compose.yaml").read_text())
    assert dict(example) == dict(defaults)
