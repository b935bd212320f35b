"""Floor 4: pages for people. They ask the same services as the API, and decide and add up nothing themselves."""

from app.console.application import Doorway, create

__all__ = ["Doorway", "create"]
