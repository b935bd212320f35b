"""Entries: recording, asking beforehand, reading, correcting."""

from app.services.entries.correcting import Correction, amend, give_back, keep_versions, repay, withdraw
from app.services.entries.drafts import about_others, assess
from app.services.entries.reading import EntryNotFound, Recorded, get, listed, listed_as_of, may_see, versions
from app.services.entries.recording import Item, Outcome, Render, Reply, Submission, record, record_for
from app.storage.entries import EntryFilter

__all__ = [
    "Correction",
    "EntryFilter",
    "EntryNotFound",
    "Item",
    "Outcome",
    "Recorded",
    "Render",
    "Reply",
    "Submission",
    "about_others",
    "amend",
    "assess",
    "get",
    "give_back",
    "keep_versions",
    "listed",
    "listed_as_of",
    "may_see",
    "record",
    "record_for",
    "repay",
    "versions",
    "withdraw",
]
