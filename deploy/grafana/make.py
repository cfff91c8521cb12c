"""`python -m deploy.grafana.make` writes deploy/grafana/dashboard.json: a panel each for what an operator asks."""

import json
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("dashboard.json")
_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_ROUTE = 'route=~"/v1/remove-background|/v1[.]0/removebg"'
_WIDTH, _HEIGHT, _COLUMNS = 8, 8, 3


@dataclass(frozen=True)
class Panel:
    """Curves over time, or the present values.

    Attributes:
        curves: PromQL by legend; `{{label}}` in a legend is that label's value.
        unit: Grafana's name of it.
        kind: `timeseries`, `stat` or `table`.
    """

    title: str
    curves: dict[str, str]
    unit: str = "short"
    kind: str = "timeseries"
    thresholds: tuple[tuple[str, float], ...] = field(default=())


def _rate(metric: str, by: str = "", where: str = "") -> str:
    group = f" by ({by})" if by else ""
    return f"sum{group} (rate({metric}{{{where}}}[$__rate_interval]))"


def _a_minute(metric: str, by: str = "", where: str = "") -> str:
    return f"60 * {_rate(metric, by, where)}"


def _share(part: str, whole: str) -> str:
    return f"{part} / {whole}"


def _quantile(percent: int, metric: str, by: str = "", where: str = "") -> str:
    group = f"le, {by}" if by else "le"
    return f"histogram_quantile(0.{percent}, {_rate(f'{metric}_bucket', group, where)})"


def _quantiles(metric: str, by: str = "", where: str = "") -> dict[str, str]:
    name = f"{{{{{by}}}}} " if by else ""
    return {f"{name}p{percent}": _quantile(percent, metric, by, where) for percent in (50, 95, 99)}


_REQUESTS, _PAYMENTS = "clearcanvas_requests_total", "clearcanvas_payments_total"
_ANSWERS, _STAGES = "clearcanvas_answer_seconds", "clearcanvas_stage_seconds"
_REVENUE = "clearcanvas_revenue_base_units_total"
_BATCHES = "clearcanvas_batch_size"
_OLDEST = "clearcanvas_ledger_oldest_seconds"

ROWS: dict[str, list[Panel]] = {
    "Sales": [
        Panel("Sales a minute", {"{{rail}}": _a_minute(_PAYMENTS, "rail", 'outcome="settled"')}),
        Panel("Quotes a minute", {"quotes": _a_minute(_REQUESTS, where=f'{_ROUTE},status="402"')}),
        Panel("Payments a minute by outcome", {"{{rail}} {{outcome}}": _a_minute(_PAYMENTS, "rail, outcome")}),
        Panel("Time of a sale by rail", _quantiles(_ANSWERS, "rail", f'{_ROUTE},status="200"'), "s"),
        Panel("Time of an answer, p95", {"{{status}}": _quantile(95, _ANSWERS, "status", _ROUTE)}, "s"),
        Panel("Answers a second by status", {"{{status}}": _rate(_REQUESTS, "status", _ROUTE)}, "reqps"),
    ],
    "Errors": [
        Panel(
            "Share of 5xx (objective: 0.5 %)",
            {"5xx": _share(_rate(_REQUESTS, where=f'{_ROUTE},status=~"5.."'), _rate(_REQUESTS, where=_ROUTE))},
            "percentunit",
            thresholds=(("green", 0), ("red", 0.005)),
        ),
        Panel(
            "Connections closed a minute", {"{{reason}}": _a_minute("clearcanvas_connections_closed_total", "reason")}
        ),
        Panel(
            "Parts and rails",
            {"{{part}}": "min by (part) (clearcanvas_part_up)", "{{rail}}": "min by (rail) (clearcanvas_rail_up)"},
            kind="stat",
            thresholds=(("red", 0), ("green", 1)),
        ),
    ],
    "Work": [
        Panel("Seconds a picture would wait", {"{{model}} {{instance}}": "clearcanvas_runner_wait_seconds"}, "s"),
        Panel(
            "Pictures that wait, and at work",
            {
                "{{model}} wait in runners": "sum by (model) (clearcanvas_runner_waiting)",
                "in API workers": "sum(clearcanvas_images_in_flight)",
            },
        ),
        Panel(
            "Pictures of a batch",
            {"{{model}}": _share(_rate(f"{_BATCHES}_sum", "model"), _rate(f"{_BATCHES}_count", "model"))},
        ),
        Panel("Inference of a batch", _quantiles("clearcanvas_inference_seconds", "model"), "s"),
        Panel("Stages of a sale, p95", {"{{stage}}": _quantile(95, _STAGES, "stage")}, "s"),
        Panel(
            "Backends",
            {"{{model}} on {{backend}}": "sum by (model, backend) (clearcanvas_backend_info) > 0"},
            kind="stat",
        ),
    ],
    "Money": [
        Panel(
            "Revenue of the last 24 hours, in dollars",
            {"{{rail}} {{coin}}": f"sum by (rail, coin) (increase({_REVENUE}[24h])) / 1e6"},
            "currencyUSD",
        ),
        Panel("Ledger by state", {"{{state}}": "max by (state) (clearcanvas_ledger_payments)"}),
        Panel(
            "Age of the oldest in doubt",
            {"in doubt": f'max({_OLDEST}{{state="in_doubt"}})', "settling": f'max({_OLDEST}{{state="settling"}})'},
            "s",
            thresholds=(("green", 0), ("red", 600)),
        ),
        Panel("Time of a settlement", _quantiles(_STAGES, where='stage="settle"'), "s"),
        Panel("Age of the oldest that is not final", {"not final": f'max({_OLDEST}{{state="not_final"}})'}, "s"),
        Panel(
            "Looks at settlements a minute",
            {"{{rail}} {{said}}": _a_minute("clearcanvas_rechecks_total", "rail, said")},
        ),
        Panel(
            "Settlements that the key's gas pays for",
            {"settlements": "min(clearcanvas_settlements_affordable)"},
            kind="stat",
            thresholds=(("red", 0), ("yellow", 20), ("green", 500)),
        ),
        Panel(
            "Cost of a settlement, share of the price",
            {"share": "max(clearcanvas_settlement_cost_share)"},
            "percentunit",
            thresholds=(("green", 0), ("yellow", 0.5), ("red", 1)),
        ),
    ],
    "Versions": [
        Panel("Versions that serve", {"{{version}}": "sum by (version) (clearcanvas_build_info)"}, kind="stat")
    ],
}


def dashboard() -> dict[str, Any]:
    """Grafana's model of it (schema 39)."""
    ids, panels, top = count(1), [], 0
    for row, members in ROWS.items():
        panels.append({"id": next(ids), "type": "row", "title": row, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": top, "w": 24, "h": 1}})  # fmt: skip
        top += 1
        for place, panel in enumerate(members):
            line, column = divmod(place, _COLUMNS)
            position = {"x": column * _WIDTH, "y": top + line * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            panels.append(_panel(panel) | {"id": next(ids), "gridPos": position})
        top += (len(members) + _COLUMNS - 1) // _COLUMNS * _HEIGHT
    return {
        "uid": "clearcanvas",
        "title": "ClearCanvas",
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "tags": ["clearcanvas"],
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": panels,
    }


def _panel(panel: Panel) -> dict[str, Any]:
    steps = [{"color": color, "value": value or None} for color, value in panel.thresholds]
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if steps:
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    targets = [
        {"refId": chr(ord("A") + place), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
        for place, (legend, expression) in enumerate(panel.curves.items())
    ]
    return {
        "type": panel.kind,
        "title": panel.title,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {},
        "targets": targets,
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
