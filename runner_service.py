"""A matting runner on a host of its own: `bentoml serve runner_service:MattingRunner`. See docs/deployment.md.

It is told nothing about wallets, chains or the ledger: `CLEARCANVAS_RUNNER__…` is all that it needs.
"""

import sys
from functools import partial

from bentoml._internal.context import server_context

from bento_process import prepare, prove_backend, runner_service
from config import load, runner_faults
from models.manifest import ModelError
from models.served import check_weights
from runners.protocol import RunnerProtocol

settings, manifests = prepare(partial(load, rules=runner_faults), RunnerProtocol)

if server_context.worker_index is None:  # once per start; a worker that failed of it would be started again and again
    try:
        check_weights(manifests)
    except ModelError as error:
        sys.exit(str(error))
    prove_backend(settings, manifests)

MattingRunner = runner_service(settings, manifests, listen=(settings.runner.host, settings.runner.port))
