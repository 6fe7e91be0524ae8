"""Canonical layouts, hashes and signed messages: docs/wire.md, sections 2, 3 and 7."""

import hashlib
import struct

MODES = {"raft": 0, "raft-signed": 1, "byzantine": 2}


def u8(value):
    return struct.pack("<B", value)


def u16(value):
    return struct.pack("<H", value)


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def sized(data):
    """`bytes`: the length, then the bytes."""
    return u32(len(data)) + data


def many(items):
    """`list`: the count, then the elements."""
    return u32(len(items)) + b"".join(items)


def option(data):
    return b"\0" if data is None else b"\1" + data


def point(index, hash_):
    return u64(index) + hash_


def tagged(tag, body):
    tag = tag.encode()
    return hashlib.sha256(u8(len(tag)) + tag + body).digest()


def founding(tag, body):
    tag = tag.encode()
    return hashlib.sha256(u32(len(tag)) + tag + body).digest()


class Domain:
    """What every signature is bound to."""

    def __init__(self, network, mode):
        self.network = network
        self.mode = MODES[mode]

    def digest(self, tag, body, epoch=0):
        return tagged(tag, self.network + u8(self.mode) + u64(epoch) + body)

    def opening(self):
        """The hash of index 0."""
        return tagged("hawser/v1/opening", self.network + u8(self.mode))


KINDS = {
    "append-entries": 1,
    "heartbeat": 2,
    "vote": 3,
    "suspect": 4,
    "report": 5,
    "request-vote": 6,
    "vote-granted": 7,
    "proof": 8,
    "fetch": 9,
    "fetch-reply": 10,
    "relay": 11,
    "accuse": 12,
    "testimony": 13,
    "leave": 14,
    "raft/append-entries": 20,
    "raft/append-reply": 21,
    "raft/request-vote": 22,
    "raft/vote": 23,
}

# Nobody signs these: the signature is zeros.
UNSIGNED = {"suspect"}


def message(domain, kind, signer, key, body, signature=None):
    """A message between validators, signed by `key` unless another signature is given."""
    if signature is None and kind in UNSIGNED:
        signature = bytes(64)
    elif signature is None:
        signature = key.sign(domain.digest("hawser/v1/" + kind, body))
    return u8(KINDS[kind]) + u16(signer) + body + signature


def vote(term, accepted=None, locked=None, applied=None):
    return u64(0) + u64(term) + option(accepted) + option(locked) + option(applied)


def suspect(term, commit, uncommitted=None, reason=b"\0"):
    return u64(0) + u64(term) + commit + option(uncommitted) + reason


def leave(term, reason=b"\0", followed=False):
    return u64(0) + u64(term) + reason + (b"\1" if followed else b"\0")


def fetch(from_, target=None):
    return u64(0) + from_ + option(target)


def relay(requests, complained):
    return u64(0) + (b"\1" if complained else b"\0") + many([sized(one) for one in requests])


def heartbeat(term, head):
    return u64(0) + u64(term) + head + option(None) + option(None)


def report(term, pair_point):
    """A report without anything that justifies it: no leave certificate worth the name."""
    leave = u64(0) + u64(term - 1) + many([])
    return (
        u64(0) + u64(term) + u64(0) + pair_point + many([]) + b"\0" + option(None) + option(None) + leave
    )


def transaction(
    domain, key, account, nonce, to, asset, amount, valid_until=1_000_000, salt=0, opened=bytes(32)
):
    """A transfer: the transaction, then its signature (section 10.1). Accounts of genesis were opened by no entry."""
    operation = u8(1) + to + asset.encode().ljust(12, b"\0") + u64(amount)
    body = (
        domain.network
        + account
        + key.public_key().public_bytes_raw()
        + opened
        + u64(nonce)
        + u64(valid_until)
        + u64(salt)
        + option(None)
        + sized(b"")
        + many([operation])
    )
    return body + key.sign(tagged("hawser/v1/transaction", body))
