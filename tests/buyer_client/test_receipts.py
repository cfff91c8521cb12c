"""Signed receipts in the buyer's hands: verified offline, as docs/receipts.md says, and nothing else is believed."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from clearcanvas import InvalidSetting, ReceiptInvalid, verify
from clearcanvas.cli.app import main
from payments.rail import Payment, Receipt
from payments.receipts.keys import ReceiptKey
from payments.receipts.signed import ReceiptSigner
from payments.receipts.sold import sold
from tests.buyer_client.buyer import ROOT, Buyer, RailName
from tests.buyer_client.conftest import RAILS
from tests.buyer_client.test_document import run
from tests.buying import unique_photograph
from tests.docs.consoles import ADDRESS, console_blocks

DOCUMENT = ROOT / "docs" / "receipts.md"
PICTURE, RESULT = b"picture", b"result"
SIGNER = ReceiptSigner(ReceiptKey("11" * 32), issuer="https://cut.example")
KEYS = json.dumps(SIGNER.key_set)
OTHER_KEY = ReceiptKey("22" * 32).public


@pytest.fixture
def token() -> str:
    """A receipt for RESULT, signed by the service's own code."""
    payment = Payment("id", "x402", "0xpayer", 50_000, 1_900_000_000, {})
    digest = "e3d7af5d5ad3b2b7f8e0f8b2f4ea4b1a6b2ff5a1d4d9d0e5b1fd8f8dcb1c6d9a"
    bought = sold(RESULT, input_sha256=digest, currency="0xcoin", facts={"model": "small"})
    return SIGNER.sign(bought, payment, Receipt("x402", "eip155:84532", "0x1", "0xPayer", 1_800_000_000)).token


def test_a_receipt_is_verified_in_each_of_its_forms(token: str) -> None:
    """With the key set, or one of its keys by its x."""
    for form in (token, f"{token}\n", json.dumps({"receipt": {}, "jws": token}), json.dumps({"signed_receipt": token})):
        for keys in (KEYS, ReceiptKey("11" * 32).public):
            assert verify(form, keys, result=RESULT)["transaction"] == "0x1"


def test_what_is_not_proven_is_refused(token: str) -> None:
    head, claims, signature = token.split(".")
    forged = {
        "another key": (token, OTHER_KEY),
        "changed": (f"{head}.{claims[:-4]}AAAA.{signature}", KEYS),
        "no signature": (f"{head}.{claims}.", KEYS),
        "algorithm none": (f"eyJhbGciOiJub25lIn0.{claims}.", KEYS),
        "nothing": ("", KEYS),
        "not signed": (json.dumps({"signed_receipt": None, "transaction": "0x1"}), KEYS),
        "unknown key": (token, json.dumps(ReceiptSigner(ReceiptKey("22" * 32), issuer="x").key_set)),
        "not a token": ("receipt", KEYS),
    }
    for name, (receipt, keys) in forged.items():
        with pytest.raises(ReceiptInvalid):
            pytest.fail(f"{name}: {verify(receipt, keys)}")


def test_it_is_about_these_files_only(token: str) -> None:
    with pytest.raises(ReceiptInvalid, match="another result"):
        verify(token, KEYS, result=b"another")
    with pytest.raises(ReceiptInvalid, match="another picture"):
        verify(token, KEYS, picture=PICTURE)
    with pytest.raises(ReceiptInvalid, match="another result"):
        verify(json.dumps({"signed_receipt": token, "result_sha256": "00" * 32}), KEYS)


@pytest.mark.parametrize("keys", ["", "no key", "{}", '{"keys": []}', '{"keys": [{"kty": "OKP"}]}', "[]"])
def test_a_wrong_key_is_named(token: str, keys: str) -> None:
    with pytest.raises(InvalidSetting, match="Key Set"):
        verify(token, keys)


@pytest.mark.parametrize("rail", RAILS)
def test_what_was_bought_is_proven(buyer: Callable[[RailName], Buyer], photo: Path, rail: RailName) -> None:
    """By the chain's transaction, on both rails, and the service gives the same receipt by its id."""
    one = buyer(rail)
    assert one.run(photo)[0] == 0
    keys = httpx.get(f"{one.service.url}/.well-known/jwks.json").text
    written = (one.out / "photo.png.receipt.json").read_text()
    kept = json.loads(written)
    claims = verify(written, keys, picture=photo.read_bytes(), result=(one.out / "photo.png").read_bytes())
    fetched = httpx.get(f"{one.service.url}/v1/receipts/{claims['jti']}").json()
    assert fetched["jws"] == kept["signed_receipt"]
    for name in ("rail", "network", "transaction"):
        assert claims[name] == kept[name]
    assert (claims["payer"].lower(), claims["currency"].lower()) == (
        kept["payer"].lower(),
        kept["asset"].lower(),
    )
    assert claims["amount"] == str(kept["amount"])


def test_the_document_runs_as_printed(buyer: Callable[[RailName], Buyer], tmp_path: Path, installed: Path) -> None:
    one = buyer("x402")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.JPG").write_bytes(unique_photograph())
    [(commands, shown)] = console_blocks(DOCUMENT)
    printed = run(one, tmp_path, installed, "\n".join(commands))
    assert [line for line in shown if line not in printed] == []
    [program] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (tmp_path / "verify.py").write_text(program.replace(ADDRESS, one.service.url))
    assert re.fullmatch("0x[0-9a-f]{64}\n", run(one, tmp_path, installed, "python verify.py"))


def test_the_program_refuses_a_receipt_of_another_file(
    token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(b"another")
    (tmp_path / "a.png.receipt.json").write_text(json.dumps({"signed_receipt": token}))
    (tmp_path / "keys.json").write_text(KEYS)
    with pytest.raises(SystemExit) as ended:
        main(["receipt", "verify", str(tmp_path / "a.png.receipt.json"), "--key", str(tmp_path / "keys.json")])
    assert ended.value.code == 6
    assert "another result" in capsys.readouterr().err
