"""A buyer whose answer gets lost, or who does not wait for it, has the picture with the next try, for one charge."""

import os
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from eth_account import Account
from x402 import x402Client
from x402.http.clients.httpx import PaymentError, x402HttpxClient
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import register_exact_evm_client

from payments.money import Price
from payments.order import Order
from payments.x402.wire import read_payment, write_challenge
from sandbox.accounts import BUYER, SELLER
from sandbox.chains import BaseChain
from tests.clients.cutouts import PRICE, assert_cut_out
from tests.clients.test_examples import EXAMPLES, PROGRAMS, Program, run
from tests.fakes.lossy_proxy import losing_answers
from tests.payments.x402.terms import terms_of
from tests.pictures import SIZE
from tests.running_service import RunningService

_SIGN = """
import { x402Client, x402HTTPClient } from '@x402/core/client'
import { registerExactEvmScheme } from '@x402/evm/exact/client'
import { privateKeyToAccount } from 'viem/accounts'
const client = new x402Client()
registerExactEvmScheme(client, { signer: privateKeyToAccount(process.env.BUYER_KEY) })
const http = new x402HTTPClient(client)
const quote = http.getPaymentRequiredResponse(name => (name === 'PAYMENT-REQUIRED' ? process.argv[1] : null))
console.log(http.encodePaymentSignatureHeader(await http.createPaymentPayload(quote))['PAYMENT-SIGNATURE'])
"""


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.path)
def test_a_program_has_the_picture_for_one_charge(
    program: Program, running_service: RunningService, photo: Path, tmp_path: Path
) -> None:
    """The answer to its paid request is lost, and it tries again by itself. So does whoever runs it once more."""
    chain = running_service.base_chain if program.rail == "x402" else running_service.tempo_chain
    earned, out = chain.balance_of(SELLER.address), tmp_path / "cutout.png"
    with losing_answers(running_service.url, after_s=6 if "x402_v1.py" in program.path else 0) as proxy:
        for _ in range(2):
            run(program, running_service, photo, out, origin=proxy.url)
            assert_cut_out(out.read_bytes(), size=SIZE)
            out.unlink()
    assert proxy.paid[0] == 200
    assert len(proxy.paid) >= 3
    assert chain.balance_of(SELLER.address) - earned == PRICE


def test_the_stock_javascript_client_echoes_the_suggested_name() -> None:
    """@x402/core signs what @x402/fetch sends."""
    terms = terms_of(chain_id=84532, asset=BaseChain.token, pay_to=SELLER.address, max_timeout_seconds=60)
    order = Order("https://cut.example/v1/remove-background", "POST", b"", (), Price(Decimal("0.05")))
    quote = write_challenge(terms, order, None, name="order-" + "0" * 64)
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", _SIGN, dict(quote.headers)["PAYMENT-REQUIRED"]],
        cwd=EXAMPLES / "node",
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "BUYER_KEY": BUYER.key},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    credential = read_payment((("payment-signature", done.stdout.strip()),), terms)
    assert credential is not None
    assert credential.idempotency_key == "order-" + "0" * 64


async def test_a_stock_client_of_version_2_names_its_purchase_without_knowing(
    running_service: RunningService, photo: Path
) -> None:
    """It echoes the name that the quote suggests, so what it signs anew is not charged again."""
    chain = running_service.base_chain
    earned, picture = chain.balance_of(SELLER.address), photo.read_bytes()  # noqa: ASYNC240 - small
    wallet = register_exact_evm_client(x402Client(), EthAccountSigner(Account.from_key(BUYER.key)))
    with losing_answers(running_service.url) as proxy:
        async with x402HttpxClient(wallet, timeout=60, headers={"Content-Type": "image/jpeg"}) as client:
            url = f"{proxy.url}/v1/remove-background"
            with pytest.raises(PaymentError):
                await client.post(url, content=picture)
            answer = await client.post(url, content=picture)
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (200, "true")
    assert proxy.paid == [200, 200]
    assert chain.balance_of(SELLER.address) - earned == PRICE
