"""Entries: recording, asking beforehand, reading, correcting."""

from app.services.entries.correcting import amend, give_back, keep_versions, repay, withdraw
from app.services.entries.drafts import assess
from app.services.entries.reading import EntryNotFound, Recorded, get, listed, may_see, versions
from app.services.entries.recording import Item, Outcome, Render, Reply, Submission, record
from app.storage.entries import EntryFilter

__all__ = [
    "EntryFilter",
    "EntryNotFound",
    "Item",
    "Outcome",
    "Recorded",
    "Render",
    "Reply",
    "Submission",
    "amend",
    "assess",
    "get",
    "give_back",
    "keep_versions",
    "listed",
    "may_see",
    "record",
    "repay",
    "versions",
    "withdraw",
]
