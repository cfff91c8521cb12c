"""The application without payments; stands in for `composition`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import composition
from api import PATH, PriceList, SandboxWallet
from api.app import Fetcher
from api.endpoints import RemoveBackgroundEndpoint
from api.problems import ProblemMiddleware
from api.request_id import RequestIdMiddleware
from api.room import Room
from api.upload import UploadMiddleware
from composition import Models
from config import Settings


@dataclass
class NoGate:
    """What the service asks of a gate when it ends."""

    is_settling: bool = False

    def cut_short(self) -> None:
        """Nothing is under way."""


@asynccontextmanager
async def compose(settings: Settings, models: Models, _: SandboxWallet | None = None) -> AsyncIterator[Starlette]:
    """The paid route without its payment, and whether it is ready."""
    decoders = composition._decoders(settings)
    with decoders or nullcontext():
        sold = composition._priced_models(settings, models)
        offer = PriceList(models=sold, public_url=settings.public_url, rails=(), hosts={})
        removal = RemoveBackgroundEndpoint(
            composition._cut_out(settings, models, decoders), offer, Fetcher(settings.fetch)
        )

        async def give(request: Request) -> Response:
            await removal.admit(request.scope)
            try:
                return await removal.remove_background(request)
            finally:
                removal.release(request.scope)

        async def ready(_: Request) -> Response:
            faults = [await client.health() for _, client in models]
            return Response(status_code=503 if any(faults) else 200)

        app = Starlette(
            routes=[
                Route(PATH, give, methods=["POST"], middleware=_middleware(settings, offer)),
                Route("/readyz", ready),
            ]
        )
        app.state.gate = NoGate()
        yield app


def _middleware(settings: Settings, offer: PriceList) -> list[Middleware]:
    return [
        Middleware(RequestIdMiddleware),
        Middleware(ProblemMiddleware, origin=offer.public_url),
        Middleware(
            UploadMiddleware,
            limits=settings.upload,
            models=offer.names,
            is_paid=lambda _: True,
            is_known=lambda _: True,
            room=Room(settings.upload.max_bytes_in_flight, settings.upload.max_bytes_per_address),
        ),
    ]
