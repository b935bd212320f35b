"""Imports: files of expenses become entries, drafts, or expenses to reconcile; checked first, then applied."""

from app.services.imports.deciding import ImportNotFound, apply, cancel
from app.services.imports.profiles import ProfileNotFound
from app.services.imports.profiles import check as check_profile
from app.services.imports.profiles import get as profile
from app.services.imports.profiles import load as profiles
from app.services.imports.reading import get, lines, listed, result
from app.services.imports.receiving import PURPOSES, Handed, handed, receive
from app.services.imports.working import CHECKED_TOGETHER, Importer, work_once
from app.storage.imports import KnownImport, KnownLine

__all__ = [
    "CHECKED_TOGETHER",
    "PURPOSES",
    "Handed",
    "ImportNotFound",
    "Importer",
    "KnownImport",
    "KnownLine",
    "ProfileNotFound",
    "apply",
    "cancel",
    "check_profile",
    "get",
    "handed",
    "lines",
    "listed",
    "profile",
    "profiles",
    "receive",
    "result",
    "work_once",
]
