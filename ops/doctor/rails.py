"""Checks the rails: their chains, accounts and settlement."""

import asyncio
from dataclasses import replace

from config import Settings
from payments import HEALTH_LIMIT_S, Finding, Rail, RailInfo, RailSection, fault, good
from rail_composition import build_rails, dependencies
from storage import Database


async def examine_rails(settings: Settings) -> list[Finding]:
    """The findings of each enabled rail, and whether it would be quoted now. This works without the ledger."""
    async with Database(settings.ledger_url()) as database:
        built = {rail.name: rail for rail in build_rails(settings, database, "")}
        found: list[Finding] = []
        for info, section in settings.enabled_rails():
            found += await _examine(settings, info, section, database)
            found.append(await _health(built[info.name]))
        for rail in built.values():
            await rail.aclose()
        return found


async def _examine(
    settings: Settings, info: RailInfo[RailSection], section: RailSection, database: Database
) -> list[Finding]:
    looked = await info.diagnose(section, dependencies(settings, info.name, database, ""))
    return [
        replace(each, part=f"{info.name} {each.part}", settings=tuple(f"{info.name}.{name}" for name in each.settings))
        for each in looked
    ]


async def _health(rail: Rail) -> Finding:
    try:
        async with asyncio.timeout(4 * HEALTH_LIMIT_S):
            out = await rail.health()
    except TimeoutError:
        out = "The rail does not answer in time."
    if out is None:
        return good(rail.name, "Accepts payments.")
    return fault(rail.name, f"Accepts no payments: {out}", "docs/operations.md, RailDown; see the findings above.")
