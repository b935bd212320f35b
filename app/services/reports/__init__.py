"""Reports: a catalogue of typed tables over the books, produced into files, kept, and compared when facts change."""

from app.services.reports.books import Books, Wanted
from app.services.reports.gifts import OFFICIALS
from app.services.reports.kinds import KINDS, ReportKind, ReportNotFound, kind_of
from app.services.reports.producing import Order, ReportFormat, check, produce
from app.services.reports.restating import (
    Change,
    Comparison,
    compared,
    file_of,
    get,
    listed,
    moment_known,
    require_file,
)
from app.storage.reports.productions import KnownProduction

__all__ = [
    "KINDS",
    "OFFICIALS",
    "Books",
    "Change",
    "Comparison",
    "KnownProduction",
    "Order",
    "ReportFormat",
    "ReportKind",
    "ReportNotFound",
    "Wanted",
    "check",
    "compared",
    "file_of",
    "get",
    "kind_of",
    "listed",
    "moment_known",
    "produce",
    "require_file",
]
