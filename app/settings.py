"""Every environment variable the service reads, in one frozen class."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from holidays.registry import EntityLoader
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _is_key(text: str) -> bool:
    try:
        return len(b64decode(text.strip(), validate=True)) == 32
    except ValueError:
        return False


RoleName = Literal["rep", "supervisor", "officer", "senior_officer", "auditor", "admin", "integration"]
_SIGNATURES = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}


class Settings(BaseSettings):
    """Read from the environment with the prefix PROPRIETY_; what is not set has a default that works on one machine."""

    model_config = SettingsConfigDict(env_prefix="PROPRIETY_", frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: str = Field("sqlite:///propriety.db", description="SQLite file or postgresql://user@host/name")
    read_database_url: str = Field(
        "", description="a replica that files and reports are read from, which may lag; limits are never read there"
    )
    host: str = Field("127.0.0.1", description="address that `propriety serve` listens on")
    port: int = Field(8000, ge=0, le=65535)
    time_zone: str = Field("America/New_York", description="the firm's calendar: which day it is today")
    future_days: int = Field(0, ge=0, le=3660, description="how many days ahead of today an entry may be dated")
    body_limit_bytes: int = Field(1_048_576, ge=1024, description="largest request body that is read")
    import_limit_bytes: int = Field(67_108_864, ge=1024, description="largest file in one POST /v1/imports")
    import_lines_limit: int = Field(200_000, ge=1, description="most expenses in one file")
    import_profiles: Path | None = Field(None, description="a folder of the firm's own mapping profiles, *.yaml")
    batch_limit: int = Field(500, ge=1, le=500, description="most entries in one POST /v1/entries/batch")
    writer_batch: int = Field(64, ge=1, le=1024, description="most submissions in one transaction")
    writer_queue: int = Field(1024, ge=1, description="submissions that may wait; beyond it the answer is 503")
    pool_size: int = Field(10, ge=1, le=200, description="PostgreSQL connections of one process")
    public_url: str = Field(
        "", description="where others reach this service, for links; such as https://propriety.firm.com"
    )
    secret_key: SecretStr | None = Field(
        None,
        description="base64 of 32 random bytes that seal kept secrets; several with commas, the first one seals. "
        "Without it, on SQLite, a key file beside the database",
    )
    worker_inside: bool | None = Field(None, description="`serve` does the worker's work too; by default on SQLite")
    webhooks_allow_http: bool = Field(False, description="webhooks may go to http, for tests on one machine")
    webhooks_allow_loopback: bool = Field(False, description="webhooks may go to this machine, for tests on one")
    webhook_hosts: str = Field(
        "", description="hosts that webhooks may go to, with their subdomains; empty: any public"
    )
    webhook_timeout_s: int = Field(15, ge=1, le=30, description="one attempt at a webhook, from look-up to last byte")
    webhook_disable_days: int = Field(5, ge=1, le=60, description="days of nothing but failures that end deliveries")
    smtp_url: SecretStr | None = Field(
        None, description="smtp://, smtp+starttls:// or smtps://user:password@host:port; without it no mail is sent"
    )
    mail_from: str = Field("", description="the sender of mail, such as propriety@firm.com")
    digest_hour: int = Field(7, ge=0, le=23, description="hour of the firm's day from which the daily digest is sent")
    oidc_issuer: str = Field(
        "", description="the firm's identity provider, such as https://login.firm.com; its tokens are accepted"
    )
    oidc_audience: str = Field("", description="what tokens must be for: the name of this service at the provider")
    oidc_algorithms: str = Field("RS256,ES256", description="signatures that are accepted, with commas")
    oidc_person_claim: str = Field("email", description="the claim that says how entries name the person")
    oidc_groups_claim: str = Field("groups", description="the claim that lists the person's groups")
    oidc_roles: dict[str, RoleName] = Field(
        {}, description='the roles of groups, as JSON: {"compliance": "officer"}; the first that somebody has counts'
    )
    oidc_leeway_s: int = Field(30, ge=0, le=300, description="how far the provider's clock may be from ours")
    oidc_allow_http: bool = Field(False, description="the provider may be at http, for tests on one machine")
    rate_limit: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="requests a minute that one key or token may send to one process; 0: any number",
    )
    reads_flush_s: float = Field(
        1, ge=0, le=60, description="how long a note of who read what may wait to be written; 0: until somebody asks"
    )
    holidays: str = Field("NYSE", description="whose holidays close the firm: a market, a country such as US, or none")
    review_codes: Path | None = Field(None, description="the firm's own review codes; default: app/codes/review.yaml")
    retention_years: int = Field(6, ge=6, le=100, description="whole years that everything is kept, six at least")
    reps_see_amounts: bool = Field(
        True, description="reps see of a limit how much is left; false: only whether it is kept, near or passed"
    )
    session_hours: int = Field(12, ge=1, le=24 * 30, description="how long somebody stays signed in to the console")
    report_days: int = Field(30, ge=1, le=3660, description="days for which the file of a report can be had")
    log_id: str = Field("main", pattern=r"^[a-z0-9-]{1,32}$", description="name of the audit log")

    @field_validator("oidc_algorithms")
    @classmethod
    def _asymmetric(cls, value: str) -> str:
        if unknown := set(value.split(",")) - _SIGNATURES:
            raise ValueError(f"{sorted(unknown)[0]!r} is none of {', '.join(sorted(_SIGNATURES))}")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _plain_issuer(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, such as https://login.firm.com")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _whole_provider(self) -> Settings:
        if self.oidc_issuer and not (self.oidc_audience and self.oidc_roles):
            raise ValueError("PROPRIETY_OIDC_ISSUER needs PROPRIETY_OIDC_AUDIENCE and PROPRIETY_OIDC_ROLES")
        if self.oidc_issuer.startswith("http://") and not self.oidc_allow_http:
            raise ValueError("PROPRIETY_OIDC_ISSUER needs https")
        return self

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not a time zone such as 'America/New_York'") from error
        return value

    @field_validator("holidays")
    @classmethod
    def _known_market(cls, value: str) -> str:
        if value != "none" and value not in {*EntityLoader.get_financial_codes(), *EntityLoader.get_country_codes()}:
            raise ValueError(f"{value!r} is neither a market such as 'NYSE', nor a country such as 'US', nor 'none'")
        return value

    @field_validator("secret_key")
    @classmethod
    def _keys_of_32_bytes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all(_is_key(key) for key in value.get_secret_value().split(",")):
            raise ValueError("is not base64 of 32 bytes; `openssl rand -base64 32` makes one")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in ("smtp", "smtp+starttls", "smtps") or not parts.hostname:
                raise ValueError("write smtp://host:port, smtp+starttls://… or smtps://…")
        return value

    @field_validator("public_url")
    @classmethod
    def _no_slash_at_the_end(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, such as https://propriety.firm.com")
        return value.rstrip("/")

    @property
    def works_inside(self) -> bool:
        """Whether a serving process does the worker's work too."""
        return self.database_url.startswith("sqlite") if self.worker_inside is None else self.worker_inside

    @property
    def zone(self) -> ZoneInfo:
        """The firm's time zone."""
        return ZoneInfo(self.time_zone)
