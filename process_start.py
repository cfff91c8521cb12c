"""Start of every process: patches BentoML, reads settings and manifests, sets up logging."""

import sys
from functools import partial
from pathlib import Path

from bento_glue import change_bentoml, is_supervisor, listening_port
from config import ConfigurationError, Settings, is_for_sellers, load, runner_faults
from logs import configure_logging, log_uncaught
from models import MODELS, ModelError, ModelManifest, load_served
from runners.matting import NAME
from tracing import start_tracing

ROOT = Path(__file__).parent


def start_process(*, sells: bool) -> tuple[Settings, tuple[ModelManifest, ...]]:
    """Set this process up; exit with all configuration errors if there are any.

    Args:
        sells: False for a runner, which neither needs nor gets payment settings.
    """
    change_bentoml(runner=NAME, is_secret=is_for_sellers)
    read = load if sells else partial(load, rules=runner_faults)
    try:
        settings = read()
        settings = settings.at_port(listening_port()) if sells else settings
        folders = MODELS, ROOT / settings.runner.models_folder
        for_money = settings.profile == "mainnet"
        manifests = load_served(settings.model_prices(), *folders, for_money=for_money)
    except (ConfigurationError, ModelError) as error:
        sys.exit(str(error))
    configure_logging(settings.log_level, settings.secrets())
    log_uncaught()
    if not is_supervisor():
        start_tracing(settings.traces, "clearcanvas-api" if sells else "clearcanvas-runner")
    return settings, manifests
