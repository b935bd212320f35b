"""The server: composes the floors into one application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app import console
from app.api import (
    access,
    audit,
    connections,
    delegations,
    dispositions,
    distinctions,
    drafts,
    entries,
    exemptions,
    health,
    imports,
    legal_holds,
    matches,
    merge_proposals,
    merges,
    operations,
    policies,
    problems,
    questions,
    receipts,
    recipients,
    reconciliations,
    reports,
    review_codes,
    reviews,
    statements,
    subscriptions,
    teams,
    users,
    views,
    violations,
    webhooks,
)
from app.api.entries import correcting
from app.services import policies as policy_services
from app.services.desk import Desk, wall_clock
from app.services.exports import Exports
from app.services.imports import Importer
from app.services.operations import Operations
from app.services.reads import Reads
from app.services.writer import Writer
from app.settings import Settings
from app.storage.database import Database, require_schema
from app.worker import Background

_ROUTERS = (
    entries,
    correcting,
    drafts,
    imports,
    reconciliations,
    recipients,
    statements,
    reports,
    merges,
    merge_proposals,
    matches,
    distinctions,
    violations,
    views,
    reviews,
    dispositions,
    questions,
    exemptions,
    legal_holds,
    review_codes,
    policies,
    operations,
    subscriptions,
    connections,
    receipts,
    webhooks,
    audit,
    access,
    users,
    teams,
    delegations,
    health,
)


def create_app(settings: Settings | None = None, *, clock: Callable[[], datetime] = wall_clock) -> FastAPI:
    """The application on a migrated database. `clock` says what time it is."""
    settings = settings or Settings()
    pages = console.create()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(settings.database_url, pool_size=settings.pool_size)
        desk = Desk(settings, database, clock)
        require_schema(database)
        if settings.read_database_url:
            desk.replica = Database(settings.read_database_url, pool_size=settings.pool_size)
            require_schema(desk.replica)
        database.write(lambda connection: policy_services.ensure_default(connection, desk))
        app.state.desk, app.state.writer, app.state.operations = desk, Writer(desk), Operations(desk)
        app.state.reads = Reads(desk)
        pages.state.desk, pages.state.writer, pages.state.reads = desk, app.state.writer, app.state.reads
        app.state.exports = pages.state.exports = Exports(desk)
        app.state.importer = Importer(desk)
        background = Background(desk) if settings.works_inside else None
        yield
        app.state.exports.close()
        app.state.writer.close()
        app.state.importer.close()
        if background is not None:
            background.close()
        app.state.operations.close()
        app.state.reads.close()
        database.close()
        if desk.replica is not None:
            desk.replica.close()

    app = FastAPI(
        title="Propriety",
        version="0.1.0",
        description="Gifts and entertainment limits: recorded, added up, judged and proved.",
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    problems.install(app)
    for module in _ROUTERS:
        app.include_router(module.router)
    app.add_middleware(console.Doorway)
    app.mount("/console", pages)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def asgi() -> FastAPI:
    """The application of the environment's settings; what uvicorn calls in each of its processes."""
    return create_app()
