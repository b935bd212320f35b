"""Screening: the one judge. Batches are judged here, headroom is read here, and every answer is proved here."""

from app.services.screening.headroom import Headroom, headroom
from app.services.screening.judging import (
    Change,
    Screened,
    Weighed,
    extent,
    kind_in,
    policy_id,
    replay,
    screen,
    unchanged,
    weigh,
    with_people,
)
from app.services.screening.knowing import canon_as_known, person_as_known
from app.services.screening.proving import Proof, ProvedLine, prove
from app.services.screening.together import Together, together

__all__ = [
    "Change",
    "Headroom",
    "Proof",
    "ProvedLine",
    "Screened",
    "Together",
    "Weighed",
    "canon_as_known",
    "extent",
    "headroom",
    "kind_in",
    "person_as_known",
    "policy_id",
    "prove",
    "replay",
    "screen",
    "together",
    "unchanged",
    "weigh",
    "with_people",
]
