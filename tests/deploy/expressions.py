"""Every PromQL expression in deploy/, and what it asks for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import promql_parser
import yaml

from tests.deploy.programs import DEPLOY

ALERTS = DEPLOY / "prometheus/alerts.yml"
DASHBOARD = DEPLOY / "grafana/dashboard.json"
_ADDED = {"instance", "namespace", "job", "pod", "le"}
"""Labels that Prometheus adds, or that every histogram has."""


@dataclass
class Asked:
    """Metrics with the values that their labels are compared with, and the labels that results are grouped by."""

    metrics: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)


def rules() -> list[dict[str, Any]]:
    """The alerts."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Where one stands, and the expression with Grafana's variable filled in."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")
    for line in (DEPLOY / "helm/clearcanvas/templates/runner.yaml").read_text().splitlines():
        if line.strip().startswith("query: "):
            yield "ScaledObject", line.partition("query: ")[2].replace("{{ .Release.Namespace | quote }}", '"sales"')


def asked(expression: str) -> Asked:
    """What Prometheus' own grammar finds in an expression. Raises ValueError where it is none."""
    found = Asked()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            compared = [(each.name, each.value) for each in node.matchers.matchers if each.name not in _ADDED]
            found.metrics.setdefault(node.name or "", []).extend(compared)
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            found.groups.update(set(node.modifier.labels) - _ADDED)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found
