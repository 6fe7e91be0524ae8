"""Reads the transactions and results of docs/wire.md, section 10, and checks the test vectors of them.

    python -m hostile_peer.vectors ledger/tests/data/wire/transactions.json
"""

import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hostile_peer.canonical import founding, many, option, sized, tagged, u8, u16, u32, u64

CODES = {1, 10, 11, 12, 13, 14, 15, 16, 20, 22, 30, 31, 32, 33, 34, 35, 40, 41, 42, 43}


class Malformed(Exception):
    """Bytes that are no value of the layout."""


class Reader:
    """Section 2: nothing is left over, nothing is missing, no undefined tag."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def raw(self, length):
        if len(self.data) - self.at < length:
            raise Malformed("it ends inside a value")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, width):
        return int.from_bytes(self.raw(width), "little")

    def bool(self):
        value = self.number(1)
        if value > 1:
            raise Malformed(f"{value} is no bool")
        return bool(value)

    def option(self, read):
        return read() if self.bool() else None

    def bytes(self, limit):
        length = self.number(4)
        if length > limit:
            raise Malformed(f"{length} bytes are more than {limit}")
        return self.raw(length)

    def end(self):
        if self.at != len(self.data):
            raise Malformed("bytes are left over")


def transaction(reader):
    """The fields of a transaction, in their order."""
    return {
        "network": reader.raw(32),
        "account": reader.raw(32),
        "key": reader.raw(32),
        "opened": reader.raw(32),
        "nonce": reader.number(8),
        "valid until": reader.number(8),
        "reference": reader.option(lambda: (reader.raw(32), reader.number(8))),
        "memo": reader.bytes(256),
        "operations": operations(reader),
    }


def operations(reader):
    count = reader.number(4)
    if not 1 <= count <= 128:
        raise Malformed(f"{count} operations")
    return [operation(reader) for _ in range(count)]


def operation(reader):
    kind = reader.number(1)
    if kind in (1, 2):
        return kind, reader.raw(32), reader.raw(12), reader.number(8)
    if kind == 3:
        return kind, reader.raw(32), reader.bytes(32)
    raise Malformed(f"operation {kind}")


def write_transaction(it):
    reference = it["reference"]
    return (
        it["network"]
        + it["account"]
        + it["key"]
        + it["opened"]
        + u64(it["nonce"])
        + u64(it["valid until"])
        + option(None if reference is None else reference[0] + u64(reference[1]))
        + sized(it["memo"])
        + many([write_operation(one) for one in it["operations"]])
    )


def write_operation(one):
    if one[0] == 3:
        return u8(3) + one[1] + sized(one[2])
    return u8(one[0]) + one[1] + one[2] + u64(one[3])


def result(reader):
    read = {
        "transaction": reader.raw(32),
        "repeats": reader.option(lambda: (reader.raw(32), reader.number(8), reader.number(4))),
        "outcome": reader.number(1),
    }
    if read["outcome"] == 1:
        code = reader.number(2)
        if code not in CODES:
            raise Malformed(f"code {code}")
        read["rejection"] = (
            code,
            reader.option(lambda: reader.number(2)),
            reader.option(lambda: reader.raw(32)),
        )
    elif read["outcome"] not in (0, 2):
        raise Malformed(f"outcome {read['outcome']}")
    return read


def write_result(it):
    repeats = it["repeats"]
    data = it["transaction"] + option(None if repeats is None else repeats[0] + u64(repeats[1]) + u32(repeats[2]))
    data += u8(it["outcome"])
    if it["outcome"] == 1:
        code, at, other = it["rejection"]
        data += u16(code) + option(None if at is None else u16(at)) + option(other)
    return data


def check_transaction(vector):
    data = bytes.fromhex(vector["bytes"])
    reader = Reader(data)
    read = transaction(reader)
    signature = reader.raw(64)
    reader.end()
    body = write_transaction(read)
    assert body + signature == data and body.hex() == vector["body"]
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed"]))
    digest = tagged("hawser/v1/transaction", body)
    assert digest.hex() == vector["digest"] and key.sign(digest) == signature
    assert signature.hex() == vector["signature"]
    assert tagged("hawser/v1/transaction-id", body).hex() == vector["id"]
    public = key.public_key().public_bytes_raw()
    assert public == read["key"] and public.hex() == vector["public key"]
    assert founding("hawser/account/v1", public) == read["account"]
    assert tagged("hawser/v1/request-account", read["account"] + public).hex() == vector["request account"]
    content = sized(read["memo"]) + many([write_operation(one) for one in read["operations"]])
    assert tagged("hawser/v1/transaction-content", content).hex() == vector["content"]
    if read["reference"] is not None:
        lookup = tagged("hawser/v1/reference-lookup", read["account"] + read["reference"][0])
        assert lookup.hex() == vector["reference lookup"]


def check_result(vector):
    data = bytes.fromhex(vector["bytes"])
    reader = Reader(data)
    read = result(reader)
    reader.end()
    assert write_result(read) == data


def main(paths):
    checks = {"transaction": check_transaction, "result": check_result}
    count = 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for vector in json.load(file):
                checks[vector["layout"]](vector)
                for cut in range(len(vector["bytes"]) // 2):
                    try:
                        checks[vector["layout"]]({**vector, "bytes": vector["bytes"][: 2 * cut]})
                    except Malformed:
                        continue
                    raise AssertionError(f"{vector['name']} is read though it was cut to {cut} bytes")
                count += 1
    assert count, "no vectors"
    print(f"{count} vectors hold")


if __name__ == "__main__":
    main(sys.argv[1:])
