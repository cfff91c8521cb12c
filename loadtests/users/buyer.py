"""Somebody who buys one cut-out after the other."""

import asyncio
from argparse import ArgumentParser
from collections.abc import Callable
from itertools import cycle
from typing import Any

import gevent
from locust import FastHttpUser, constant, events, task

from loadtests.photo import photo
from loadtests.users import PATH, from_somewhere, judge
from sandbox.accounts import BUYER, SECOND_BUYER
from sandbox.chains import TEMPO_PORT
from sandbox.wallets import sign_mpp, sign_x402

PHOTO = photo()
ACCOUNTS = cycle((BUYER, SECOND_BUYER))
Sign = Callable[[Any], dict[str, str]]
"""The 402 → the header field that pays it."""


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
        self.account = next(ACCOUNTS)
        self.tempo_rpc_url: str = self.environment.parsed_options.tempo_rpc_url

    @task
    def buy_on_both_rails(self) -> None:
        self.buy("paid x402", lambda quote: sign_x402(self.account.key, quote.headers["PAYMENT-REQUIRED"]))
        self.buy("paid mpp", self.sign_mpp)

    def buy(self, name: str, sign: Sign) -> None:
        """Ask, sign, pay; `name` is the paid request's line in the table."""
        quote = self.post("quote, with photo", {}, expected=402)
        if quote.status_code == 402:
            self.post(name, sign(quote), expected=200)

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

    def sign_mpp(self, quote: Any) -> dict[str, str]:
        """The SDK speaks asyncio, which needs a thread without gevent's greenlets in it."""
        challenge = quote.headers["WWW-Authenticate"]
        signing = sign_mpp(self.account.key, challenge, self.tempo_rpc_url)
        signed: dict[str, str] = gevent.get_hub().threadpool.apply(asyncio.run, (signing,))
        return signed
