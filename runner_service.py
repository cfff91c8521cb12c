"""A matting runner on its own host: `bentoml serve runner_service:MattingRunner`. See docs/deployment.md.

It needs `CLEARCANVAS_RUNNER__…` only: no settings of wallets, chains or the ledger.
"""

from bento_glue import is_supervisor
from deployment import prepare_runner
from process_start import start_process
from runner_composition import compose_runner

# Settings are read on import because the decorator of BentoML in `compose_runner` needs host and port.
settings, manifests = start_process(sells=False)

if is_supervisor():  # once per start
    prepare_runner(settings, manifests)

MattingRunner = compose_runner(settings, manifests, listen=(settings.runner.host, settings.runner.port))
