"""What the peer does, by name. Each attack goes on until it is cancelled and counts what it sent."""

from .anybody import CLIENT_ATTACKS
from .member import VALIDATOR_ATTACKS
from .peer import Peer
from .stranger import STRANGER_ATTACKS

ATTACKS = {**CLIENT_ATTACKS, **STRANGER_ATTACKS, **VALIDATOR_ATTACKS}

__all__ = ["ATTACKS", "CLIENT_ATTACKS", "STRANGER_ATTACKS", "VALIDATOR_ATTACKS", "Peer"]
