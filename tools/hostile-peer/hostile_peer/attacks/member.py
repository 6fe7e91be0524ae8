"""What a validator can do whose key the peer holds."""

import asyncio
import os

from .. import canonical as c
from ..connection import frame
from .peer import attack, until_closed

VALIDATOR_ATTACKS = {}


async def flood(peer, make, bulk=False, batch=64):
    """Sends messages that `make` builds, to every other validator, as fast as they are taken."""
    messages = [frame(make()) for _ in range(batch)]
    data = b"".join(messages)

    async def to(target):
        async def once():
            async with peer.validator(target) as (connection, urgent, heavy):
                while connection.ended is None:
                    connection.raw(heavy if bulk else urgent, data)
                    peer.count(batch)
                    # Not more than a megabyte waits here for the node to take it.
                    stream = connection._quic._streams[heavy if bulk else urgent]
                    while connection.ended is None and len(stream.sender._buffer) > 2**20:
                        await asyncio.sleep(0.005)
                    await asyncio.sleep(0)

        await peer.again(once)

    await asyncio.gather(*(to(target) for target in peer.others()))


def signed(peer, kind, body):
    return c.message(peer.genesis.domain, kind, peer.me, peer.key, body)


@attack(VALIDATOR_ATTACKS)
async def validator_garbage(peer):
    """Random messages of every kind, unsigned."""

    def make():
        kind = bytes([peer.random.choice([*range(0, 15), 20, 21, 22, 23, 255])])
        return kind + c.u16(peer.me) + peer.random.randbytes(peer.random.randint(0, 2_000))

    await flood(peer, make)


@attack(VALIDATOR_ATTACKS)
async def validator_oversized(peer):
    """Frames and lists beyond every limit, in a good envelope."""

    async def once():
        async with peer.validator() as (connection, urgent, bulk):
            huge = peer.random.choice(
                [
                    c.u32(2**32 - 1),
                    frame(signed(peer, "relay", c.u64(0) + b"\0" + c.u32(2**32 - 1))),
                    frame(signed(peer, "append-entries", c.u64(0) * 3 + peer.hash() + c.u32(2**31))),
                    c.u32(8 * 2**20) + bytes(2**16),
                ]
            )
            connection.raw(bulk, huge)
            peer.count()
            await until_closed(connection, 0.2)

    await peer.many(3, once)


@attack(VALIDATOR_ATTACKS)
async def validator_streams(peer):
    """Many streams instead of two, with unknown classes."""

    async def once():
        async with peer.validator() as (connection, _, _):
            for _ in range(1_000):
                connection._quic.send_stream_data(connection.open(), b"\7", False)
                peer.count()
            connection.transmit()
            await until_closed(connection, 2)

    await peer.many(3, once)


@attack(VALIDATOR_ATTACKS)
async def reconnects(peer):
    """Replaces its own connection again and again."""

    async def once():
        async with peer.validator():
            peer.count()

    await peer.many(3, once)


@attack(VALIDATOR_ATTACKS)
async def votes(peer):
    """Votes for far and for unknown points, of several shapes, in the present term and later."""

    def make():
        accepted = c.point(peer.random.choice([1, 50, 10**6, 2**63]), peer.hash())
        locked = accepted if peer.random.random() < 0.5 else None
        applied = c.u64(peer.random.randint(1, 100)) + peer.hash()
        term = peer.random.choice([0, 0, 0, 1, 2**63])
        return signed(peer, "vote", c.vote(term, accepted, locked, applied))

    await flood(peer, make, batch=512)


@attack(VALIDATOR_ATTACKS)
async def suspects(peer):
    """Suspects the leader of every term, with points that nobody has, and would leave every term."""

    def make():
        if peer.random.random() < 0.5:
            followed = peer.random.random() < 0.5
            return signed(peer, "leave", c.leave(peer.random.randint(0, 5), followed=followed))
        commit = c.point(peer.random.choice([0, 10**6]), peer.genesis.domain.opening())
        return signed(
            peer, "suspect", c.suspect(peer.random.randint(0, 5), commit, c.point(2**40, peer.hash()))
        )

    await flood(peer, make, batch=512)


@attack(VALIDATOR_ATTACKS)
async def reports(peer):
    """Reports for later terms that nothing justifies."""

    def make():
        return signed(peer, "report", c.report(peer.random.randint(1, 2**20), c.point(9, peer.hash())))

    await flood(peer, make, batch=256)


@attack(VALIDATOR_ATTACKS)
async def fetches(peer):
    """Asks for the whole ledger, over and over."""
    start = c.point(0, peer.genesis.domain.opening())
    await flood(peer, lambda: signed(peer, "fetch", c.fetch(start)), batch=512)


@attack(VALIDATOR_ATTACKS)
async def relays(peer):
    """Relays requests whose signatures are wrong, as if their clients had complained."""

    def make():
        requests = [peer.forgery(nonce) for nonce in range(64)]
        return signed(peer, "relay", c.relay(requests, True))

    await flood(peer, make, bulk=True, batch=8)


@attack(VALIDATOR_ATTACKS)
async def false_signatures(peer):
    """Votes whose signatures do not hold: each must be checked to be refused."""

    def make():
        body = c.vote(0, c.point(1, peer.hash()))
        return c.message(peer.genesis.domain, "vote", peer.me, peer.key, body, os.urandom(64))

    await flood(peer, make, batch=512)


@attack(VALIDATOR_ATTACKS)
async def half_messages(peer):
    """Announces the largest message and never finishes it."""

    async def once():
        async with peer.validator() as (connection, urgent, bulk):
            connection.raw(urgent, c.u32(4 * 2**20) + bytes(2**21))
            connection.raw(bulk, c.u32(8 * 2**20) + bytes(2**22))
            peer.count(2)
            await until_closed(connection, 12)

    await peer.many(3, once)
