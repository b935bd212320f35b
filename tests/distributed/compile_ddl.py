"""Every table and index as a distributed engine's own SQLAlchemy dialect writes it, and what that engine does not have.

Run by `make ddl-cockroach` in an environment of its own, since that dialect goes with another SQLAlchemy than ours.
Prints the statements with `--show`; exit status 1 where one cannot be written or holds something forbidden. No server
is asked: that the engine takes them is not shown by this.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from sqlalchemy.exc import CompileError
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy_cockroachdb.psycopg import CockroachDBDialect_psycopg

from app.storage.tables.base import Base

FORBIDDEN = {
    r"\b(BIG|SMALL)?SERIAL\b|\bAS IDENTITY\b|\b(CREATE SEQUENCE|nextval)\b": "numbers that one place hands out",
    r"\bDEFERRABLE\b": "constraints that wait for the commit",
    r"\bEXCLUDE\b": "exclusion constraints",
    r"\bCREATE TYPE\b|\bENUM\b": "types of the database's own",
    r"\bUSING (gist|brin|hash|spgist)\b": "kinds of index that are PostgreSQL's",
    r"\b\w*RANGE\b": "range types",
}


def statements() -> Iterator[tuple[str, str]]:
    """Each table and index by name, as it is created there. Raises CompileError."""
    dialect = CockroachDBDialect_psycopg()
    for table in Base.metadata.sorted_tables:
        yield table.name, str(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            yield str(index.name), str(CreateIndex(index).compile(dialect=dialect))


def faults() -> Iterator[str]:
    """What would not do there."""
    for table in Base.metadata.sorted_tables:
        if not table.primary_key.columns:
            yield f"{table.name}: has no primary key"
    for name, statement in statements():
        for pattern, what in FORBIDDEN.items():
            if re.search(pattern, statement, re.IGNORECASE):
                yield f"{name}: {what}"


def main() -> int:
    """Says what was compiled, and what is wrong with it."""
    try:
        written = list(statements())
    except CompileError as error:
        print(f"cannot be written: {error}", file=sys.stderr)  # noqa: T201
        return 1
    if "--show" in sys.argv:
        print(";\n".join(statement.strip() for _, statement in written))  # noqa: T201
    wrong = list(faults())
    print("\n".join([*wrong, f"{len(written)} tables and indexes, {len(wrong)} faults"]))  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
