"""What the attacks work with."""

import asyncio
import random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .. import canonical as c
from ..connection import Refused, client, dial, validator


def attack(table):
    def register(function):
        table[function.__name__.replace("_", "-")] = function
        return function

    return register


class Peer:
    """What an attack works with."""

    def __init__(self, genesis, key, account, seed):
        self.genesis = genesis
        self.key = key
        self.account = account
        self.me = genesis.position(key) if key else None
        self.random = random.Random(seed)
        self.sent = 0
        self.ended = 0

    def somebody(self):
        """A key that nobody knows."""
        return Ed25519PrivateKey.from_private_bytes(self.random.randbytes(32))

    def others(self):
        return [n for n in range(len(self.genesis.validators)) if n != self.me]

    def target(self):
        return self.random.choice(self.others())

    def address(self):
        _, _, address = self.genesis.validators[self.target()]
        return address

    def dial(self):
        """A connection to a node, without a hello, with a key that nobody knows."""
        return dial(self.address(), self.somebody())

    def client(self, key=None):
        """A client's connection to a node, with a key that nobody knows if none is given."""
        target = self.target()
        return client(self.genesis, target, key or self.somebody())

    def validator(self, target=None):
        """A validator's connection to another, to any of them if none is named."""
        target = self.target() if target is None else target
        return validator(self.genesis, target, self.key)

    def hash(self):
        return self.random.randbytes(32)

    def forgery(self, nonce):
        """A transaction whose signature does not hold."""
        payload = c.transaction(self.genesis.domain, self.somebody(), self.hash(), nonce, self.hash(), "USD", 1)
        return payload[:-1] + bytes([payload[-1] ^ 1])

    def count(self, messages=1):
        self.sent += messages

    async def again(self, once, pause=0.0):
        """Repeats a connection that the node may end at any moment."""
        while True:
            try:
                await once()
            except (ConnectionError, Refused, asyncio.TimeoutError, asyncio.IncompleteReadError):
                pass
            self.ended += 1
            await asyncio.sleep(pause)

    async def many(self, count, once, pause=0.0):
        await asyncio.gather(*(self.again(once, pause) for _ in range(count)))


async def drain(peer, writer=None):
    """Lets the connection send what it holds."""
    if writer is not None:
        await asyncio.wait_for(writer.drain(), 5)
    await asyncio.sleep(0)


async def until_closed(peer, seconds=30):
    """Waits until the node ends the connection, or for so long."""
    try:
        await asyncio.wait_for(peer.wait_closed(), seconds)
    except asyncio.TimeoutError:
        pass
