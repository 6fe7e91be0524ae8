"""QUIC connections, hellos and frames: docs/wire.md, section 12."""

import asyncio
import datetime
import ssl
import struct
from contextlib import asynccontextmanager

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from .canonical import u8, u32

VALIDATOR, CLIENT = 0, 1
URGENT, BULK = b"\0", b"\1"


class Refused(Exception):
    """The node's reply to the hello was a refusal."""


class Peer(QuicConnectionProtocol):
    """A connection that remembers why it ended."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.ended = None

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.ended = event.error_code
        super().quic_event_received(event)

    def raw(self, stream, data, end=False):
        """Sends bytes on a stream as they are."""
        self._quic.send_stream_data(stream, data, end)
        self.transmit()

    def open(self, unidirectional=True):
        """A new stream's number."""
        return self._quic.get_next_available_stream_id(is_unidirectional=unidirectional)


def certificate(key):
    """A certificate that carries the key; nothing else in it counts."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
    start = datetime.datetime(2020, 1, 1)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .sign(key, None)
    )


def configuration(key, alpn="hawser/1"):
    settings = QuicConfiguration(is_client=True, alpn_protocols=[alpn], verify_mode=ssl.CERT_NONE)
    settings.certificate = certificate(key)
    settings.private_key = key
    settings.idle_timeout = 30.0
    return settings


def hello(genesis, role, version=1, network=None, mode=None):
    mode_ = genesis.domain.mode if mode is None else mode
    return u32(version) + (network or genesis.network) + u8(mode_) + u32(role)


def frame(data):
    return u32(len(data)) + data


async def read_frame(reader):
    (length,) = struct.unpack("<I", await reader.readexactly(4))
    return await reader.readexactly(length)


@asynccontextmanager
async def dial(address, key, expected=None):
    """A QUIC connection to a node, before any hello. With `expected`, the node's key is pinned."""
    host, _, port = address.rpartition(":")
    async with connect(
        host, int(port), configuration=configuration(key), create_protocol=Peer
    ) as peer:
        shown = peer._quic.tls._peer_certificate.public_key()
        raw = shown.public_bytes(Encoding.Raw, PublicFormat.Raw)
        if expected is not None and raw != expected:
            raise ssl.SSLError("the node shows another key than genesis")
        yield peer


async def greet(peer, genesis, role, **changes):
    """Says hello and waits for the reply. Returns the stream's reader and writer."""
    reader, writer = await peer.create_stream()
    writer.write(frame(hello(genesis, role, **changes)))
    reply = await asyncio.wait_for(read_frame(reader), 5)
    if struct.unpack("<I", reply[:4])[0] != 0:
        reason, length = struct.unpack("<IQ", reply[4:16])
        raise Refused(f"reason {reason}: {reply[16 : 16 + length].decode()}")
    return reader, writer


@asynccontextmanager
async def validator(genesis, target, key):
    """A connection as a validator: yields the peer and its urgent and bulk streams."""
    _, expected, address = genesis.validators[target]
    async with dial(address, key, expected) as peer:
        await greet(peer, genesis, VALIDATOR)
        urgent, bulk = peer.open(), None
        peer.raw(urgent, URGENT)
        bulk = peer.open()
        peer.raw(bulk, BULK)
        yield peer, urgent, bulk


@asynccontextmanager
async def client(genesis, target, key):
    """A connection as a client: yields the peer, the reader and the writer."""
    _, expected, address = genesis.validators[target]
    async with dial(address, key, expected) as peer:
        reader, writer = await greet(peer, genesis, CLIENT)
        yield peer, reader, writer
