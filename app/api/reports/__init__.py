"""Reports over HTTP: the catalogue, producing one, and what was produced."""

from app.api.reports.producing import router

__all__ = ["router"]
