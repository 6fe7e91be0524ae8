"""What somebody can do whom the network does not know: fresh keys, and accounts that do not exist."""

import asyncio

from .. import canonical as c
from ..connection import frame
from .peer import attack, drain, until_closed

STRANGER_ATTACKS = {}


@attack(STRANGER_ATTACKS)
async def strangers(peer):
    """Good hellos with a fresh key each, as many at a time as a node takes, and a question at once."""

    async def once():
        peer.count()
        async with peer.client() as (connection, _, writer):
            # A status: what a node tells to whoever may connect.
            writer.write(frame(c.u32(5) + c.u64(1)))
            await drain(connection, writer)
            await until_closed(connection, 1)

    await peer.many(64, once)


@attack(STRANGER_ATTACKS)
async def invented_accounts(peer):
    """Well-signed payments of accounts that do not exist, many under each of many fresh keys."""

    async def once():
        key = peer.somebody()
        address = c.founding("hawser/account/v1", key.public_key().public_bytes_raw())
        peer.count()
        async with peer.client(key) as (connection, _, writer):
            for first in range(0, 2048, 64):
                body = c.u32(0) + c.u64(64)
                for nonce in range(first, first + 64):
                    payload = c.transaction(peer.genesis.domain, key, address, nonce, peer.hash(), "USD", 1)
                    body += c.u64(nonce) + c.u64(len(payload)) + payload
                writer.write(frame(body))
                peer.count(64)
                await drain(connection, writer)
                # Lets the others have their turn between signatures.
                await asyncio.sleep(0)
            await until_closed(connection, 1)

    await peer.many(8, once)
