"""What the peer does, by name. Each attack goes on until it is cancelled and counts what it sent."""

import asyncio
import os
import random
import socket

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import canonical as c
from .connection import CLIENT, Refused, client, dial, frame, greet, validator

CLIENT_ATTACKS = {}
VALIDATOR_ATTACKS = {}


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

    def target(self):
        others = [n for n in range(len(self.genesis.validators)) if n != self.me]
        return self.random.choice(others)

    def hash(self):
        return self.random.randbytes(32)

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


# As anybody.


@attack(CLIENT_ATTACKS)
async def datagrams(peer):
    """Random UDP datagrams, some of which look like first packets of a connection."""
    plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        for _ in range(64):
            host, _, port = peer.genesis.validators[peer.target()][2].rpartition(":")
            data = peer.random.randbytes(peer.random.randint(1, 1400))
            if peer.random.random() < 0.5:
                data = b"\xc3\0\0\0\1\x08" + peer.random.randbytes(1200)
            plain.sendto(data, (host, int(port)))
            peer.count()
        await asyncio.sleep(0.001)


@attack(CLIENT_ATTACKS)
async def handshakes(peer):
    """Connections that go away right after the handshake, each with another key."""

    async def once():
        _, _, address = peer.genesis.validators[peer.target()]
        async with dial(address, peer.somebody()):
            peer.count()

    await peer.many(128, once)


@attack(CLIENT_ATTACKS)
async def silent_handshakes(peer):
    """Connections that never say hello."""

    async def once():
        _, _, address = peer.genesis.validators[peer.target()]
        async with dial(address, peer.somebody()) as connection:
            peer.count()
            await until_closed(connection)

    await peer.many(200, once)


@attack(CLIENT_ATTACKS)
async def garbage_hello(peer):
    """Random bytes, wrong versions, networks, modes and roles instead of a hello."""

    async def once():
        _, _, address = peer.genesis.validators[peer.target()]
        async with dial(address, peer.somebody()) as connection:
            peer.count()
            wrong = peer.random.choice(["bytes", "length", "version", "network", "mode", "role"])
            if wrong in ("bytes", "length"):
                _, writer = await connection.create_stream()
                length = 2**32 - 1 if wrong == "length" else 41
                writer.write(c.u32(length) + peer.random.randbytes(41))
                await until_closed(connection, 5)
            else:
                changes = {
                    "version": {"version": 99},
                    "network": {"network": peer.hash()},
                    "mode": {"mode": 7},
                    "role": {},
                }[wrong]
                await greet(connection, peer.genesis, 9 if wrong == "role" else CLIENT, **changes)

    await peer.many(16, once)


@attack(CLIENT_ATTACKS)
async def garbage_frames(peer):
    """Random client frames after a good hello."""

    async def once():
        async with client(peer.genesis, peer.target(), peer.somebody()) as (connection, _, writer):
            for _ in range(100):
                data = c.u32(peer.random.randint(0, 12)) + peer.random.randbytes(peer.random.randint(0, 600))
                writer.write(frame(data))
                peer.count()
            await drain(connection, writer)
            await until_closed(connection, 2)

    await peer.many(16, once)


@attack(CLIENT_ATTACKS)
async def half_frames(peer):
    """Announces the largest frame and sends half of it, from as many clients as there may be."""

    async def once():
        async with client(peer.genesis, peer.target(), peer.somebody()) as (connection, _, writer):
            writer.write(c.u32(2**20) + bytes(2**19))
            peer.count()
            await until_closed(connection)

    await peer.many(120, once)


@attack(CLIENT_ATTACKS)
async def one_byte_a_second(peer):
    """Frames that arrive a byte at a time."""

    async def once():
        async with client(peer.genesis, peer.target(), peer.somebody()) as (connection, _, writer):
            writer.write(c.u32(2**20))
            while connection.ended is None:
                writer.write(b"x")
                peer.count()
                await asyncio.sleep(1)

    await peer.many(200, once)


@attack(CLIENT_ATTACKS)
async def oversized_claims(peer):
    """Lengths far beyond every limit, outside and inside frames."""

    async def once():
        async with client(peer.genesis, peer.target(), peer.somebody()) as (connection, _, writer):
            huge = peer.random.choice(
                [
                    c.u32(2**32 - 1),
                    c.u32(0),
                    frame(c.u32(0) + c.u64(2**63)),
                    frame(c.u32(2) + c.u64(2**40)),
                    frame(c.u32(3) + c.u64(1) + c.u64(0) + c.u64(2**62)),
                ]
            )
            writer.write(huge)
            peer.count()
            await until_closed(connection, 5)

    await peer.many(16, once)


@attack(CLIENT_ATTACKS)
async def thousands_of_streams(peer):
    """Opens streams as fast as it can, on the hello's connection and before any hello."""

    async def once():
        _, _, address = peer.genesis.validators[peer.target()]
        async with dial(address, peer.somebody()) as connection:
            if peer.random.random() < 0.5:
                await greet(connection, peer.genesis, CLIENT)
            for number in range(2_000):
                stream = connection.open(number % 2 == 0)
                connection._quic.send_stream_data(stream, b"x", False)
                peer.count()
            connection.transmit()
            await until_closed(connection, 3)

    await peer.many(4, once)


@attack(CLIENT_ATTACKS)
async def questions_without_reading(peer):
    """Asks for the largest answers and reads none."""

    async def once():
        async with client(peer.genesis, peer.target(), peer.somebody()) as (connection, reader, writer):
            reader._limit = 1
            question = c.u32(3) + b"\0" + c.u32(256)
            number = 0
            while connection.ended is None:
                for _ in range(64):
                    number += 1
                    writer.write(frame(c.u32(3) + c.u64(number) + c.u64(0) + c.u64(len(question)) + question))
                    writer.write(frame(c.u32(8) + c.u64(number) + c.u64(1 + number % 50)))
                    peer.count(2)
                await drain(connection, writer)
                await asyncio.sleep(0.002)

    await peer.many(16, once)


@attack(CLIENT_ATTACKS)
async def bad_submissions(peer):
    """Transactions with wrong signatures, each of which must be checked to be refused."""
    body = b""
    for number in range(128):
        payload = c.transaction(
            peer.genesis.domain, peer.somebody(), peer.hash(), number, peer.hash(), "USD", 1
        )
        payload = payload[:-1] + bytes([payload[-1] ^ 1])
        body += c.u64(number) + c.u64(len(payload)) + payload
    submit = frame(c.u32(0) + c.u64(128) + body)

    async def once():
        async with client(peer.genesis, peer.target(), peer.somebody()) as (connection, reader, writer):
            while connection.ended is None:
                writer.write(submit)
                peer.count(128)
                await drain(connection, writer)
                while reader._buffer:
                    await reader.read(65_536)
                await asyncio.sleep(0.01)

    await peer.many(4, once)


@attack(CLIENT_ATTACKS)
async def complaints(peer):
    """Complaints about requests that nobody ever submitted, from many keys."""

    async def once():
        key = peer.somebody()
        address = c.founding("hawser/account/v1", key.public_key().public_bytes_raw())
        public = key.public_key().public_bytes_raw()
        async with client(peer.genesis, peer.target(), key) as (connection, reader, writer):
            for nonce in range(200):
                payload = c.transaction(peer.genesis.domain, key, address, nonce, peer.hash(), "USD", 1)
                account = c.tagged("hawser/v1/request-account", address + public)
                body = c.u64(0) + c.u16(0) + account + c.u64(nonce)
                signature = key.sign(peer.genesis.domain.digest("hawser/v1/complaint", body))
                writer.write(
                    frame(
                        c.u32(1)
                        + c.u64(nonce)
                        + c.u64(0)
                        + c.u16(0)
                        + c.u64(64)
                        + signature
                        + c.u64(len(payload))
                        + payload
                    )
                )
                peer.count()
            await drain(connection, writer)
            await until_closed(connection, 1)

    await peer.many(8, once)


# As a validator whose key it holds.


async def flood(peer, make, bulk=False, batch=64):
    """Sends messages that `make` builds, to every other validator, as fast as they are taken."""
    messages = [frame(make()) for _ in range(batch)]
    data = b"".join(messages)

    async def to(target):
        async def once():
            async with validator(peer.genesis, target, peer.key) as (connection, urgent, heavy):
                while connection.ended is None:
                    connection.raw(heavy if bulk else urgent, data)
                    peer.count(batch)
                    # Not more than a megabyte waits here for the node to take it.
                    stream = connection._quic._streams[heavy if bulk else urgent]
                    while connection.ended is None and len(stream.sender._buffer) > 2**20:
                        await asyncio.sleep(0.005)
                    await asyncio.sleep(0)

        await peer.again(once)

    others = [n for n in range(len(peer.genesis.validators)) if n != peer.me]
    await asyncio.gather(*(to(target) for target in others))


def signed(peer, kind, body):
    return c.message(peer.genesis.domain, kind, peer.me, peer.key, body)


@attack(VALIDATOR_ATTACKS)
async def validator_garbage(peer):
    """Random messages of every kind, unsigned."""

    def make():
        kind = bytes([peer.random.choice([*range(0, 14), 20, 21, 22, 23, 255])])
        return kind + c.u16(peer.me) + peer.random.randbytes(peer.random.randint(0, 2_000))

    await flood(peer, make)


@attack(VALIDATOR_ATTACKS)
async def validator_oversized(peer):
    """Frames and lists beyond every limit, in a good envelope."""

    async def once():
        async with validator(peer.genesis, peer.target(), peer.key) as (connection, urgent, bulk):
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
        async with validator(peer.genesis, peer.target(), peer.key) as (connection, _, _):
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
        async with validator(peer.genesis, peer.target(), peer.key):
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
    """Suspects the leader of every term, with points that nobody has."""

    def make():
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
        requests = []
        for nonce in range(64):
            payload = c.transaction(
                peer.genesis.domain, peer.somebody(), peer.hash(), nonce, peer.hash(), "USD", 1
            )
            requests.append(payload[:-1] + bytes([payload[-1] ^ 1]))
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
        async with validator(peer.genesis, peer.target(), peer.key) as (connection, urgent, bulk):
            connection.raw(urgent, c.u32(4 * 2**20) + bytes(2**21))
            connection.raw(bulk, c.u32(8 * 2**20) + bytes(2**22))
            peer.count(2)
            await until_closed(connection, 12)

    await peer.many(3, once)


ATTACKS = {**CLIENT_ATTACKS, **VALIDATOR_ATTACKS}
