"""What anybody can do who reaches a node."""

import asyncio
import socket

from .. import canonical as c
from ..connection import CLIENT, frame, greet
from .peer import attack, drain, until_closed

CLIENT_ATTACKS = {}


@attack(CLIENT_ATTACKS)
async def datagrams(peer):
    """Random UDP datagrams, some of which look like first packets of a connection."""
    plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        for _ in range(64):
            host, _, port = peer.address().rpartition(":")
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
        async with peer.dial():
            peer.count()

    await peer.many(128, once)


@attack(CLIENT_ATTACKS)
async def silent_handshakes(peer):
    """Connections that never say hello."""

    async def once():
        async with peer.dial() as connection:
            peer.count()
            await until_closed(connection)

    await peer.many(200, once)


@attack(CLIENT_ATTACKS)
async def garbage_hello(peer):
    """Random bytes, wrong versions, networks, modes and roles instead of a hello."""

    async def once():
        async with peer.dial() as connection:
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
        async with peer.client() as (connection, _, writer):
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
        async with peer.client() as (connection, _, writer):
            writer.write(c.u32(2**20) + bytes(2**19))
            peer.count()
            await until_closed(connection)

    await peer.many(120, once)


@attack(CLIENT_ATTACKS)
async def one_byte_a_second(peer):
    """Frames that arrive a byte at a time."""

    async def once():
        async with peer.client() as (connection, _, writer):
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
        async with peer.client() as (connection, _, writer):
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
        async with peer.dial() as connection:
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
        async with peer.client() as (connection, reader, writer):
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
        payload = peer.forgery(number)
        body += c.u64(number) + c.u64(len(payload)) + payload
    submit = frame(c.u32(0) + c.u64(128) + body)

    async def once():
        async with peer.client() as (connection, reader, writer):
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
        async with peer.client(key) as (connection, reader, writer):
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
