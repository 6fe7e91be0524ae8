"""Transactions and results: docs/wire.md, section 10."""

import re

from .canonical import many, option, sized, tagged, u8, u16, u32, u64
from .reading import Malformed

CODES = {1, 10, 11, 12, 13, 14, 15, 16, 20, 22, 30, 31, 32, 33, 34, 35, 40, 41, 42, 43}
NAME = re.compile(r"(?!hw1|hwk1|hwv1)[a-z0-9_-]{1,32}")
ASSET = re.compile(rb"[A-Z][A-Z0-9]{0,11}")


def transaction(reader):
    """The fields of a transaction, in their order."""
    return {
        "network": reader.raw(32),
        "account": reader.raw(32),
        "key": reader.raw(32),
        "opened": reader.raw(32),
        "nonce": reader.number(8),
        "valid until": reader.number(8),
        "salt": reader.number(8),
        "reference": reader.option(lambda it: (it.raw(32), it.number(8))),
        "memo": memo(reader),
        "operations": operations(reader),
    }


def memo(reader):
    data = reader.bytes(256)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("the memo is not UTF-8") from error
    # The control characters of Unicode: category Cc.
    if any(ord(one) < 0x20 or 0x7F <= ord(one) < 0xA0 for one in text):
        raise Malformed("the memo has control characters")
    return data


def operations(reader):
    found = reader.list(operation, 128)
    if not found:
        raise Malformed("there is no operation")
    return found


def operation(reader):
    kind = reader.choice(1, 2, 3)
    if kind == 3:
        key, name = reader.raw(32), reader.bytes(32)
        if name and not NAME.fullmatch(name.decode("latin-1")):
            raise Malformed("the account's name cannot be one")
        return kind, key, name
    to, asset, amount = reader.raw(32), reader.raw(12), reader.number(8)
    if not ASSET.fullmatch(asset.rstrip(b"\0")):
        raise Malformed("the asset's code cannot be one")
    return kind, to, asset, amount


def write_transaction(it):
    reference = it["reference"]
    return (
        it["network"]
        + it["account"]
        + it["key"]
        + it["opened"]
        + u64(it["nonce"])
        + u64(it["valid until"])
        + u64(it["salt"])
        + option(None if reference is None else reference[0] + u64(reference[1]))
        + sized(it["memo"])
        + many([write_operation(one) for one in it["operations"]])
    )


def write_operation(one):
    if one[0] == 3:
        return u8(3) + one[1] + sized(one[2])
    return u8(one[0]) + one[1] + one[2] + u64(one[3])


def signed_transaction(reader):
    """A payload: the transaction, its own bytes, and the signature."""
    start = reader.at
    read = transaction(reader)
    body = reader.data[start : reader.at]
    return read, body, reader.raw(64)


def transaction_id(body):
    return tagged("hawser/v1/transaction-id", body)


def result(reader):
    read = {
        "transaction": reader.raw(32),
        "repeats": reader.option(lambda it: (it.raw(32), it.number(8), it.number(4))),
        "outcome": reader.choice(0, 1, 2),
    }
    if read["outcome"] == 1:
        code = reader.number(2)
        if code not in CODES:
            raise Malformed(f"code {code}")
        at = reader.option(lambda it: it.number(2))
        read["rejection"] = (code, at, reader.option(lambda it: it.raw(32)))
    return read


def write_result(it):
    repeats = it["repeats"]
    data = it["transaction"] + option(
        None if repeats is None else repeats[0] + u64(repeats[1]) + u32(repeats[2])
    )
    data += u8(it["outcome"])
    if it["outcome"] == 1:
        code, at, other = it["rejection"]
        data += u16(code) + option(None if at is None else u16(at)) + option(other)
    return data
