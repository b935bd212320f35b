"""Names: how they are read, and whether two people who have them may be one."""

from app.services.names.comparing import LookAlike, compare, look_alikes
from app.services.names.reading import keys_of, look, read, roots

__all__ = ["LookAlike", "compare", "keys_of", "look", "look_alikes", "read", "roots"]
