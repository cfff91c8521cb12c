"""A matting runner on a host of its own: `bentoml serve runner_service:MattingRunner`. See docs/deployment.md.

It gets no settings of wallets, chains or the ledger: `CLEARCANVAS_RUNNER__…` is all that it needs.
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
