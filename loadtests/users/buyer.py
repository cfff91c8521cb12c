"""Somebody who buys one cut-out after the other."""

from argparse import ArgumentParser
from itertools import cycle
from typing import Any

from locust import FastHttpUser, constant, events, task

from loadtests.photo import photo
from loadtests.users import PATH, from_somewhere, judge
from loadtests.wallet import shared_wallet
from sandbox.accounts import BUYER, SECOND_BUYER
from sandbox.environment import TEMPO_PORT

PHOTO = photo()
ACCOUNTS = cycle((BUYER, SECOND_BUYER))


@events.init_command_line_parser.add_listener
def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--tempo-rpc-url", default=f"http://127.0.0.1:{TEMPO_PORT}", help="node that MPP buyers ask")


class Buyer(FastHttpUser):
    """Buys the same photo over x402 and MPP in turn, without a pause.

    What counts is the paid request, from its first byte to the last byte of the picture; asking and signing come
    before it.
    """

    wait_time = constant(0)
    network_timeout = 60.0

    def on_start(self) -> None:
        self.key = next(ACCOUNTS).key
        self.wallet = shared_wallet(self.environment.parsed_options.tempo_rpc_url)

    @task
    def buy_on_both_rails(self) -> None:
        self.buy("x402", "PAYMENT-REQUIRED")
        self.buy("mpp", "WWW-Authenticate")

    def buy(self, rail: str, quote_header: str) -> None:
        """Ask, sign, pay."""
        quote = self.post("quote, with photo", {}, expected=402)
        if quote.status_code == 402:
            self.post(f"paid {rail}", self.wallet.sign(rail, self.key, quote.headers[quote_header]), expected=200)

    def post(self, name: str, payment: dict[str, str], *, expected: int) -> Any:
        headers = {"Content-Type": "image/jpeg", **from_somewhere(), **payment}
        with self.client.post(
            PATH,
            data=PHOTO,  # type: ignore[arg-type]  # bytes are taken, only not declared
            headers=headers,
            name=name,
            catch_response=True,
        ) as answer:
            judge(answer, expected)
        return answer
