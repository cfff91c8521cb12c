"""What the service has to be told to sell on chains and a port of this machine's sandbox."""

BASE_PORT, TEMPO_PORT = 18545, 18546
"""Where the chains listen unless they are told otherwise."""


def environment(base_rpc_url: str, tempo_rpc_url: str, url: str) -> dict[str, str]:
    """Environment variables of a service at `url`; whatever else the sandbox profile needs are its own defaults."""
    return {
        "CLEARCANVAS_PROFILE": "sandbox",
        "CLEARCANVAS_PUBLIC_URL": url,
        "CLEARCANVAS_X402__RPC_URL": base_rpc_url,
        "CLEARCANVAS_MPP__RPC_URL": tempo_rpc_url,
    }
