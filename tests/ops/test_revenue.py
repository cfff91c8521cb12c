"""`revenue`: sums and the chart."""

import json

from ops.revenue import chart
from storage import Database, Earned, RecordState
from tests.ops.conftest import Operator
from tests.storage.planting import planted


def test_sums_by_day_rail_and_model(operator: Operator) -> None:
    async def sold(database: Database) -> None:
        for name, rail, product in (("a", "x402", "m"), ("b", "x402", "m"), ("c", "mpp", "m"), ("d", "x402", "n")):
            await planted(database, RecordState.FINAL, name, rail=rail, product=product)
        await planted(database, RecordState.IN_DOUBT)

    operator.ledger(sold)
    ran = operator.run("revenue", "--json")
    assert ran.exit_code == 0, ran.output
    sums = {(each["rail"], each["model"]): (each["payments"], each["usd"]) for each in json.loads(ran.stdout)}
    assert sums == {("x402", "m"): (2, "0.1"), ("mpp", "m"): (1, "0.05"), ("x402", "n"): (1, "0.05")}
    shown = operator.run("revenue").stdout
    assert "█" in shown
    assert shown.splitlines()[-1].endswith("$0.2")


def test_without_sales_there_is_no_chart(sqlite_operator: Operator) -> None:
    ran = sqlite_operator.run("revenue")
    assert ran.exit_code == 0
    assert "█" not in ran.stdout


def test_the_chart_shows_days_without_a_sale_and_is_in_proportion() -> None:
    earned = [Earned(1, "x402", "m", 1, 100), Earned(1, "mpp", "m", 1, 100), Earned(3, "mpp", "m", 1, 50)]
    _, first, second, third = chart(earned, columns=8)
    assert [line.count("█") for line in (first, second, third)] == [8, 0, 2]
    assert first.startswith("1970-01-02")
