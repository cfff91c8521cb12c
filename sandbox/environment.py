"""What the service has to be told to sell on chains and a port of this machine's sandbox."""

from sandbox.chains import Chain


def environment(base: Chain, tempo: Chain, url: str) -> dict[str, str]:
    """Environment variables of a service at `url`; whatever else the sandbox profile needs are its own defaults."""
    return {
        "CLEARCANVAS_PROFILE": "sandbox",
        "CLEARCANVAS_PUBLIC_URL": url,
        "CLEARCANVAS_X402__RPC_URL": base.rpc_url,
        "CLEARCANVAS_MPP__RPC_URL": tempo.rpc_url,
    }
