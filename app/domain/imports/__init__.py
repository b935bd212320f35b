"""Imports: files of expenses, read by a mapping profile into lines, each an entry or a refusal with row and column."""

from app.domain.imports.cells import key as key
from app.domain.imports.lines import Line as Line
from app.domain.imports.lines import Row as Row
from app.domain.imports.lines import RowFault as RowFault
from app.domain.imports.lines import read_line as read_line
from app.domain.imports.profiles import ATTENDEE as ATTENDEE
from app.domain.imports.profiles import Layout as Layout
from app.domain.imports.profiles import Profile as Profile
from app.domain.imports.profiles import ProfileInvalid as ProfileInvalid
from app.domain.imports.profiles import read_profile as read_profile
