"""The program buys from the running service on both rails."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from clearcanvas import Client, Wallet
from tests.buyer_client.buyer import Buyer, RailName
from tests.buyer_client.conftest import RAILS
from tests.buying import unique_photograph
from tests.clients.cutouts import PRICE, assert_cut_out, assert_paid_us

SIZE = (512, 512)


@pytest.mark.parametrize("rail", RAILS)
def test_a_folder_is_bought_once_and_a_second_run_skips_it(
    buyer: Callable[[RailName], Buyer], tmp_path: Path, rail: RailName
) -> None:
    """Names and extensions do not matter, other files are left alone, and each result has its receipt."""
    one, photos = buyer(rail), tmp_path / "photos"
    photos.mkdir()
    names = {"A.JPG": "A.png", "without": "without.png", "b.jfif": "b.png"}
    for name in names:
        (photos / name).write_bytes(unique_photograph())
    (photos / "notes.txt").write_text("not a picture")

    code, said = one.run(photos)
    assert code == 0, said
    assert "3 bought" in said
    assert one.transfers() == [PRICE] * 3
    for name, result in names.items():
        assert_cut_out((one.out / result).read_bytes(), size=SIZE)
        receipt = json.loads((one.out / f"{result}.receipt.json").read_text())
        assert (receipt["source"], receipt["rail"], receipt["amount"]) == (str(photos / name), rail, PRICE)
        assert_paid_us(one.chain, receipt["transaction"])

    (one.out / "b.png.receipt.json").rename(tmp_path / "receipt")
    code, said = one.run(photos)
    assert code == 0, said
    assert "3 kept" in said
    assert (one.out / "b.png.receipt.json").read_text() == (tmp_path / "receipt").read_text()
    assert one.transfers() == [PRICE] * 3


async def test_the_synchronous_client_works_where_a_loop_runs(
    buyer: Callable[[RailName], Buyer], photo: Path, tmp_path: Path
) -> None:
    """As in a notebook."""
    one = buyer("x402")
    with Client(one.service.url, wallet=Wallet(one.key), journal=tmp_path / "journal", max_spend="0.05") as client:
        assert client.price().amount == PRICE
        assert_cut_out(client.remove_background(photo).content, size=SIZE)
    assert one.transfers() == [PRICE]
