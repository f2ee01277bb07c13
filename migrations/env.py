"""Runs the migrations: over the engine that ``authsvc.db.upgrade`` names, each in its own transaction."""

from alembic import context

from authsvc import db
from authsvc.models import Base

engine = db.make_engine(context.config.attributes["url"])
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
