"""Runs the migrations, on the connection that the program hands over or on PROPRIETY_DATABASE_URL."""

from __future__ import annotations

from alembic import context

from app.settings import Settings
from app.storage.database import Database
from app.storage.tables import Base


def _run(connection: object) -> None:
    context.configure(
        connection=connection,  # type: ignore[arg-type]
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_over = context.config.attributes.get("connection")
if context.is_offline_mode():
    context.configure(url=Settings().database_url, target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif handed_over is not None:
    _run(handed_over)
else:
    database = Database(Settings().database_url, pool_size=1)
    with database.engine.connect().execution_options(immediate=True) as own, own.begin():
        _run(own)
