"""The bare query behind FastAPI: the first page of violations, straight from the driver to JSON. No keys, no roles.

Arguments: port, address of the database.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import orjson
import psycopg
import uvicorn
from fastapi import FastAPI, Response
from psycopg.rows import dict_row

_QUERY = "SELECT * FROM violations ORDER BY id DESC LIMIT 51"


def main() -> None:
    """One connection for each of FastAPI's threads."""
    port, url = int(sys.argv[1]), sys.argv[2]
    app, own = FastAPI(), threading.local()

    @app.get("/v1/violations")
    def list_violations() -> Response:
        if not hasattr(own, "connection"):
            own.connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        rows: list[dict[str, Any]] = own.connection.execute(_QUERY, prepare=True).fetchall()
        return Response(orjson.dumps({"data": rows[:50], "has_more": len(rows) > 50}), media_type="application/json")

    uvicorn.run(app, port=port, log_level="warning", access_log=False, server_header=False)


if __name__ == "__main__":
    main()
