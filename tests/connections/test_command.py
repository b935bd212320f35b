"""`propriety connections test`: a message that means nothing goes the way all others go."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from app.cli import cli
from tests.connections.firm import KEY, Firm
from tests.connections.senders import PROVIDERS, PUBLIC_URL


@pytest.fixture
def settings(firm: Firm, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the installation, whose clock stands at the hour of the machine."""
    monkeypatch.setenv("PROPRIETY_DATABASE_URL", database_url)
    monkeypatch.setenv("PROPRIETY_SECRET_KEY", KEY)
    monkeypatch.setenv("PROPRIETY_PUBLIC_URL", PUBLIC_URL)
    from app.services.desk import wall_clock

    firm.clock.now = wall_clock()


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("provider", PROVIDERS)
def test_it_is_taken_and_ignored(firm: Firm, provider: str):
    connection = firm.connect(provider)
    result = CliRunner().invoke(cli, ["connections", "test", connection["id"], "--at", firm.server.url])
    assert result.exit_code == 0, result.output
    if provider != "salesforce":
        [receipt] = firm.receipts(connection)
        assert (receipt["state"], receipt["reason"]) == ("ignored", "unknown_kind")


@pytest.mark.usefixtures("settings")
def test_it_says_what_is_wrong(firm: Firm):
    connection = firm.connect("pipedrive")
    firm.change(connection, disabled=True)
    result = CliRunner().invoke(cli, ["connections", "test", connection["id"], "--at", firm.server.url])
    assert result.exit_code == 1
    assert "401" in result.output
