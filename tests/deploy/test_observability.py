"""Dashboard and alerts ask for what the service tells, and every alert has a runbook. Grafana does not run here."""

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from api.pricing import PATH, REMOVE_BG_PATH
from deploy.grafana import make
from payments.ledger_watch import STATES
from payments.rail import Finality
from payments.x402.config import X402Config
from runners.config import RunnerConfig
from sandbox.process import ROOT, choose_port
from tests.buying import buy, photograph
from tests.clients.cutouts import PRICE
from tests.deploy.expressions import ALERTS, asked, expressions, rules
from tests.deploy.programs import DEPLOY, output_of
from tests.fakes.serving import TRUST
from tests.running_service import RunningService
from tests.waiting import eventually

NOT_PROVOKED = {"clearcanvas_connections_closed_total"}
"""It appears when a connection is closed for want of room or progress, and none is here."""
OPERATIONS = (ROOT / "docs/operations.md").read_text()


def scraped(service: RunningService) -> list[Sample]:
    """What `/metrics` of the running service says."""
    text = httpx.get(f"{service.url}/metrics", trust_env=False, verify=TRUST).raise_for_status().text
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


@pytest.fixture(scope="module")
def samples(running_service: RunningService) -> list[Sample]:
    """Every sample after a quote, a sale, a look at its finality, and a question whether it is ready."""
    [sold] = asyncio.run(buy(running_service, [photograph(61)]))
    assert sold.status_code == 200
    httpx.get(f"{running_service.url}/readyz", trust_env=False, verify=TRUST).raise_for_status()

    def looked_at() -> bool:
        return any(each.name == "clearcanvas_rechecks_total" for each in scraped(running_service))

    assert eventually(looked_at, 60)
    return scraped(running_service)


def test_everything_that_is_asked_for_is_told(samples: list[Sample]) -> None:
    labels = {sample.name: set(sample.labels) for sample in samples}
    for place, expression in expressions():
        wanted = asked(expression)
        known = set().union(*(labels.get(name, set()) for name in wanted.metrics))
        for name, compared in wanted.metrics.items():
            if name not in NOT_PROVOKED:
                assert name in labels, place
                assert {label for label, _ in compared} <= labels[name], place
                assert wanted.groups <= known, place


def earned(service: RunningService) -> float:
    """Base units by x402, in the service's own coin."""
    labels = {"rail": "x402", "coin": X402Config().asset.lower()}
    [sample] = [
        each
        for each in scraped(service)
        if each.name == "clearcanvas_revenue_base_units_total" and each.labels == labels
    ]
    return sample.value


@pytest.mark.usefixtures("samples")
def test_revenue_is_told_by_rail_and_coin(running_service: RunningService) -> None:
    """Others may have sold at this service before."""
    before = earned(running_service)
    [sold] = asyncio.run(buy(running_service, [photograph(62)]))
    assert sold.status_code == 200
    assert eventually(lambda: earned(running_service) == before + PRICE, 10)


def test_legends_name_labels_that_are_left() -> None:
    for panel in json.loads(make.FILE.read_text())["panels"]:
        for target in panel.get("targets", []):
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"])) - {"instance", "model"}
            assert named <= asked(target["expr"].replace("$__rate_interval", "5m")).groups, panel["title"]


def test_labels_are_compared_with_values_that_there_are(samples: list[Sample]) -> None:
    codes = set(re.findall(r'"([a-z_]+)"', "".join(file.read_text() for file in (ROOT / "errors").glob("*.py"))))
    values = {
        "outcome": codes | {"settled", "replayed"},
        "said": {*Finality, "unanswered"},
        "state": {*STATES},
        "route": {f"{PATH}|{REMOVE_BG_PATH.replace('.', '[.]')}"},  # every paid one
        "status": {"200", "402", "5.."},
        "stage": {sample.labels["stage"] for sample in samples if "stage" in sample.labels},
    }
    for place, expression in expressions():
        for compared in asked(expression).metrics.values():
            assert all(value in values[label] for label, value in compared), place


def test_thresholds_that_follow_from_settings_follow_them() -> None:
    expression = {rule["alert"]: rule["expr"] for rule in rules()}
    assert expression["SettlingTooDear"].endswith(f"> {X402Config().max_fee_share}")
    limit = float(expression["QueueTooLong"].rpartition("> ")[2])
    assert 0.5 < limit / RunnerConfig().max_wait_s < 1


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    names = [rule["alert"] for rule in rules()]
    runbooks = OPERATIONS.partition("\n## Runbooks\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (\w+)$", runbooks, re.MULTILINE) == names
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_dashboard_is_what_its_source_says() -> None:
    """After a change of make.py: `python -m deploy.grafana.make`."""
    assert make.FILE.read_text() == make.text()


def test_panels_do_not_overlap_and_have_names_of_their_own() -> None:
    panels = make.dashboard()["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["title"] for panel in panels}) == len({panel["id"] for panel in panels}) == len(panels)


def test_grafana_finds_the_dashboard_and_its_source() -> None:
    provisioning = DEPLOY / "grafana/provisioning"
    [source] = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    panels = [panel for panel in make.dashboard()["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    [provider] = yaml.safe_load((provisioning / "dashboards/clearcanvas.yml").read_text())["providers"]
    mounts = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboard.json:{provider['options']['path']}/clearcanvas.json:ro" in mounts


def prometheus(name: str) -> str:
    """A program of Debian's package prometheus; the test is skipped without it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: apt install prometheus)")
    return path


def test_prometheus_takes_the_alerts_and_they_fire_when_they_should() -> None:
    promtool = prometheus("promtool")
    output_of([promtool, "check", "rules", ALERTS.name], cwd=ALERTS.parent)
    output_of([promtool, "test", "rules", "alerts.test.yml"], cwd=ALERTS.parent)


def test_prometheus_evaluates_every_expression(
    running_service: RunningService, samples: list[Sample], tmp_path: Path
) -> None:
    """A real server scrapes the running service; no query is refused, and the present state answers."""
    assert samples
    address = running_service.url.removeprefix("http://")
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [{"job_name": "clearcanvas-api", "static_configs": [{"targets": [address]}]}],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    url = f"http://127.0.0.1:{choose_port(0)}"
    command = [
        prometheus("prometheus"),
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stderr=log, cwd=tmp_path) as server:
        try:
            with httpx.Client(base_url=url, trust_env=False, verify=TRUST) as client:
                _evaluate(client)
        finally:
            server.terminate()


def _evaluate(client: httpx.Client) -> None:
    assert eventually(lambda: _found(client, "clearcanvas_build_info"), 60)
    for place, expression in expressions():
        answer = client.get("/api/v1/query", params={"query": expression})
        assert answer.json()["status"] == "success", (place, answer.text)
    for now in ("max by (state) (clearcanvas_ledger_payments)", "min by (rail) (clearcanvas_rail_up)"):
        assert _found(client, now)
    groups = client.get("/api/v1/rules").json()["data"]["groups"]
    health = {rule["name"]: (rule["health"], rule["state"]) for group in groups for rule in group["rules"]}
    assert {name for name, (health, _) in health.items() if health == "err"} == set()
    assert len(health) == len(rules())


def _found(client: httpx.Client, query: str) -> bool:
    try:
        answer = client.get("/api/v1/query", params={"query": query})
    except httpx.ConnectError:
        return False
    return answer.is_success and bool(answer.json()["data"]["result"])
