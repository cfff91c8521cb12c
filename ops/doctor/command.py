"""The command `doctor`: each check runs, whatever the others find."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer

from config import ConfigurationError, Settings, load, variable
from ops.access import AsJson, print_json
from ops.doctor.ledger import examine_ledger, examine_redis
from ops.doctor.machine import examine_machine, examine_models
from ops.doctor.rails import examine_rails
from payments import Finding, Level, fault, good

_MARKS = {Level.GOOD: ("green", "good"), Level.WARNING: ("yellow", "WARNING"), Level.FAULT: ("red", "FAULT")}


def doctor(as_json: AsJson = False) -> None:
    """Check settings, ledger, clocks, Redis, models, GPU, backend, runners, chains, balances, gas and facilitator.

    Each fault names its remedy; the exit code is 1 if there is a fault. Nothing is changed, and no transaction is sent.
    RPC endpoints and the facilitator each receive a few queries. A separate process tries the backend.
    """
    found = _all()
    if as_json:
        print_json([_facts(each) for each in found])
    else:
        for each in found:
            _show(each)
    raise typer.Exit(any(each.level is Level.FAULT for each in found))


def _all() -> list[Finding]:
    try:
        settings = load()
    except ConfigurationError as error:
        remedy = "docs/configuration.md. Correct the settings first; the other checks need them."
        return [fault("settings", str(error), remedy)]
    models, manifests = examine_models(settings)
    return [
        good("settings", f"Profile {settings.profile}, public URL {settings.public_url}."),
        *asyncio.run(_asked(settings)),
        *models,
        *examine_machine(settings, manifests),
    ]


async def _asked(settings: Settings) -> list[Finding]:
    return [*await examine_ledger(settings), *await examine_redis(settings), *await examine_rails(settings)]


def _show(finding: Finding) -> None:
    colour, mark = _MARKS[finding.level]
    typer.echo(f"{typer.style(f'{mark:8}', fg=colour)}{finding.part:20} {finding.says}")
    if finding.remedy:
        typer.echo(f"{'':28} → {' '.join([finding.remedy, *_variables(finding.settings)])}")


def _variables(settings: Sequence[str]) -> list[str]:
    return [f"({', '.join(map(variable, settings))})"] if settings else []


def _facts(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "settings": [variable(name) for name in finding.settings]}
