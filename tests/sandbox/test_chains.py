"""What stands on the local chains once they are up."""

import subprocess
import sys

import pytest
from eth_account import Account as Keys

from sandbox.accounts import BUYER, SECOND_BUYER
from sandbox.chains import ALLOWANCE, BaseChain, TempoChain, ensure_running
from sandbox.process import ROOT, SandboxError, choose_port
from sandbox.rpc import loopback


def test_base_chain_has_the_id_of_base_sepolia(base_chain: BaseChain) -> None:
    assert int(base_chain.rpc.call("eth_chainId"), 16) == 84532


def test_both_buyers_hold_tokens(base_chain: BaseChain) -> None:
    assert 0 < base_chain.balance_of(SECOND_BUYER.address) <= ALLOWANCE
    assert base_chain.balance_of(BUYER.address) > 0


def test_base_funding_adds_to_the_balance(base_chain: BaseChain) -> None:
    stranger = Keys.create().address
    base_chain.fund(stranger, 70_000)
    base_chain.fund(stranger, 5)
    assert base_chain.balance_of(stranger) == 70_005


def test_tempo_chain_has_the_id_of_moderato(tempo_chain: TempoChain) -> None:
    assert int(tempo_chain.rpc.call("eth_chainId"), 16) == 42431


def test_tempo_buyer_holds_path_usd(tempo_chain: TempoChain) -> None:
    assert tempo_chain.balance_of(BUYER.address) > 1_000_000


def test_tempo_funding_adds_to_the_balance(tempo_chain: TempoChain) -> None:
    stranger = Keys.create().address
    tempo_chain.fund(stranger, 70_000)
    tempo_chain.fund(stranger, 5)
    assert tempo_chain.balance_of(stranger) == 70_005


def test_a_service_runs_the_chains_for_as_long_as_it_lives() -> None:
    urls = loopback(choose_port(0)), loopback(choose_port(0))
    program = f"from sandbox.chains import ensure_running; ensure_running(*{urls}); print('up', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout
        assert service.stdout.readline() == "up\n"
        with BaseChain.connect(urls[0]) as base, TempoChain.connect(urls[1]) as tempo:
            assert base.is_running()
            assert tempo.is_running()
            service.communicate("end\n", timeout=20)
            assert not base.is_running()
            assert not tempo.is_running()


@pytest.mark.parametrize("url", ["https://sepolia.base.org", "http://192.0.2.1:8545", "http://127.0.0.1"])
def test_no_chain_is_run_for_an_address_elsewhere(url: str) -> None:
    with pytest.raises(SandboxError, match="run on this machine"):
        ensure_running(url, url)
