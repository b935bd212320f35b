"""Every environment variable the service reads, in one frozen class."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from the environment with the prefix PROPRIETY_; what is not set has a default that works on one machine."""

    model_config = SettingsConfigDict(env_prefix="PROPRIETY_", frozen=True, extra="ignore")

    database_url: str = Field("sqlite:///propriety.db", description="SQLite file or postgresql://user@host/name")
    host: str = Field("127.0.0.1", description="address that `propriety serve` listens on")
    port: int = Field(8000, ge=0, le=65535)
    time_zone: str = Field("America/New_York", description="the firm's calendar: which day it is today")
    future_days: int = Field(0, ge=0, le=3660, description="how many days ahead of today an entry may be dated")
    body_limit_bytes: int = Field(1_048_576, ge=1024, description="largest request body that is read")
    batch_limit: int = Field(500, ge=1, le=500, description="most entries in one POST /v1/entries/batch")
    writer_batch: int = Field(64, ge=1, le=1024, description="most submissions in one transaction")
    writer_queue: int = Field(1024, ge=1, description="submissions that may wait; beyond it the answer is 503")
    pool_size: int = Field(10, ge=1, le=200, description="PostgreSQL connections of one process")
    log_id: str = Field("main", pattern=r"^[a-z0-9-]{1,32}$", description="name of the audit log")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not a time zone such as 'America/New_York'") from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The firm's time zone."""
        return ZoneInfo(self.time_zone)
