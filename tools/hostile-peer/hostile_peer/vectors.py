"""Checks the test vectors of docs/wire.md, section 16, with what was written from that page, and that nothing else
passes for them.

    python -m hostile_peer.vectors FOLDER …
"""

import json
import pathlib
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import evidence, frames, genesis, judging, layouts, merkle, receipts, signatures, transactions
from .canonical import KINDS, Domain, founding, many, sized, tagged
from .genesis import Genesis, Sizes
from .judging import Refused
from .reading import Malformed, Reader, whole

# Every so many bytes one is changed: all would take minutes.
STRIDE = 11


class Four:
    """The four validators of the core's vectors, in one of the modes."""

    keys = []
    network = bytes(range(32))

    def __init__(self, mode):
        self.mode, self.sizes, self.domain = mode, Sizes(4, mode), Domain(self.network, mode)
        self.validators = [(f"n{at}", key, "") for at, key in enumerate(self.keys)]

    def key_of(self, position):
        return self.keys[position] if position < len(self.keys) else None


def key(vector):
    if vector["name"] == "network":
        assert vector["id"] == Four.network.hex()
        return
    public = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed"])).public_key()
    assert public.public_bytes_raw().hex() == vector["public key"]
    Four.keys.append(public.public_bytes_raw())


def hashing(vector):
    what, _, of = vector["name"].rpartition(" ")
    body = bytes.fromhex(vector.get("body", ""))
    if what == "opening of":
        assert Four(of).domain.opening().hex() == vector["hash"]
    elif what == "digest in":
        assert Four(of).domain.digest(vector["tag"], body).hex() == vector["hash"]
    elif what == "tree of":
        # Item p is p bytes of value p; the path is that of the last one.
        items = [bytes([one]) * one for one in range(int(of))]
        assert [item.hex() for item in items] == [vector[f"item {at}"] for at in range(len(items))]
        top = bytes.fromhex(vector["root"])
        path = [bytes.fromhex(one) for name, one in sorted(vector.items()) if name.startswith("path")]
        assert merkle.root(items) == top
        for at, item in enumerate(items):
            is_last = at == len(items) - 1
            assert merkle.includes(top, len(items), at, item, path) == is_last
    else:
        assert tagged(vector["tag"], body).hex() == vector["hash"]


def check_entry(network, reader, vector):
    read = layouts.entry(reader)
    header = read.signed.header
    assert header.raw.hex() == vector["header"] and header.count == len(read.payloads)
    assert judging.hash_of(network, header).hex() == vector["hash"]
    judging.need(merkle.root(read.payloads) == header.body_root, "the body is another")
    judging.need(judging.author_leads(network, header), "the author does not lead")
    judging.need(judging.header_signed(network, read.signed), "the signature does not hold")
    if network.mode == "byzantine" and header.kind == 1:
        election, reports = layouts.term_record(read.payloads[0])
        if election is not None:
            judging.check_election(network, election)
            assert election.grant.base.hash == header.previous
            assert tagged("hawser/v1/reports", reports) == election.grant.reports


def check_message(network, reader, vector):
    kind, signer = reader.number(1), reader.number(2)
    body, signature = reader.raw(len(bytes.fromhex(vector["body"]))), reader.raw(64)
    name = vector["tag"].removeprefix("hawser/v1/")
    assert KINDS[name] == kind and signer == int(vector["signer"])
    if "digest" in vector:
        digest = network.domain.digest(vector["tag"], body)
        assert digest.hex() == vector["digest"]
        judging.need(signatures.holds(network.key_of(signer), digest, signature), "a signature does not hold")
    else:
        judging.need(signature == bytes(64), "nobody signs it")
    read = {
        "vote": layouts.vote,
        "report": layouts.report,
        "vote-granted": layouts.grant,
        "leave": layouts.leave,
        "accuse": layouts.evidence,
        "raft/append-reply": layouts.append_reply,
    }.get(name)
    if read:
        whole(read, body)


def certificate(read, check):
    def checking(network, reader, _):
        check(network, read(reader))

    return checking


def check_evidence(network, reader, vector):
    read = evidence.verify(network, reader.raw(len(reader.data)))
    assert vector["name"].startswith(("forked", read["offence"].replace(" ", "-")))


LAYOUTS = {
    "entry header": lambda network, reader, _: layouts.header(reader),
    "signed header": lambda network, reader, _: judging.need(
        judging.header_signed(network, layouts.signed_header(reader)), "the signature does not hold"
    ),
    "entry": check_entry,
    "term record": lambda network, reader, _: layouts.term_record(reader.raw(len(reader.data))),
    "quorum certificate": certificate(layouts.quorum_certificate, judging.check_quorum),
    "election certificate": certificate(layouts.election_certificate, judging.check_election),
    "leave certificate": certificate(layouts.leave_certificate, judging.check_leave),
    "message": check_message,
    "evidence": check_evidence,
}
# Without a signature, changed bytes make another value.
UNSIGNED = ("entry header", "term record")


def core(vector):
    network = Four(vector["mode"])

    def check(data):
        reader = Reader(data)
        LAYOUTS[vector["layout"]](network, reader, vector)
        reader.end()

    data = bytes.fromhex(vector["bytes"])
    check(data)
    unsigned = vector["layout"] in UNSIGNED or (vector["layout"] == "message" and "digest" not in vector)
    for bent in cuts(data):
        refused(vector, check, bent)
    # Whoever locked a point accepted it, too: the first byte of a certificate alone says what counts.
    start = 1 if vector["layout"] == "quorum certificate" else 0
    for bent in () if unsigned or network.mode == "raft" else changes(data, start):
        refused(vector, check, bent)


def cuts(data):
    """What is cut off, or goes on."""
    return [data[:at] for at in range(0, len(data), STRIDE)] + [data[:-1], data + b"\0"]


def changes(data, start=0):
    """What has one bit changed."""
    for at in range(start, len(data), STRIDE):
        yield data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]


def refused(vector, check, bent):
    try:
        check(bent)
    except (Malformed, Refused, AssertionError):
        return
    raise SystemExit(f"other bytes pass for {vector['name']}: {bent.hex()}")


def transaction(vector):
    data = bytes.fromhex(vector["bytes"])
    read, body, signature = whole(transactions.signed_transaction, data)
    assert transactions.write_transaction(read) == body and body.hex() == vector["body"]
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed"]))
    digest = tagged("hawser/v1/transaction", body)
    assert digest.hex() == vector["digest"] and private.sign(digest) == signature
    assert signature.hex() == vector["signature"]
    assert signatures.holds(read["key"], digest, signature)
    assert transactions.transaction_id(body).hex() == vector["id"]
    public = private.public_key().public_bytes_raw()
    assert public == read["key"] and public.hex() == vector["public key"]
    assert founding("hawser/account/v1", public) == read["account"]
    assert tagged("hawser/v1/request-account", read["account"] + public).hex() == vector["request account"]
    content = sized(read["memo"]) + many([transactions.write_operation(one) for one in read["operations"]])
    assert tagged("hawser/v1/transaction-content", content).hex() == vector["content"]
    if read["reference"] is not None:
        lookup = tagged("hawser/v1/reference-lookup", read["account"] + read["reference"][0])
        assert lookup.hex() == vector["reference lookup"]
    for cut in cuts(data):
        refused(vector, lambda bent: whole(transactions.signed_transaction, bent), cut)


def result(vector):
    data = bytes.fromhex(vector["bytes"])
    assert transactions.write_result(whole(transactions.result, data)) == data
    for cut in cuts(data):
        refused(vector, lambda bent: whole(transactions.result, bent), cut)


def speccheck(vector):
    parts = [bytes.fromhex(vector[name]) for name in ("pub_key", "message", "signature")]
    return signatures.holds(*parts)


def genesis_file(vector):
    assert Genesis.of(vector["text"]).network.hex() == vector["network id"]


def key_file(vector):
    read, locked = genesis.read_key(vector["text"].encode(), vector.get("passphrase", "").encode() or None)
    public = read.public_key().public_bytes_raw()
    assert genesis.encode_text(public, "hwk") == vector["public key"]
    assert genesis.decode_text(vector["address"], "hw") == genesis.address(public)
    assert locked == ("passphrase" in vector)


def receipt_file(vector):
    founded = Genesis.of(vector["genesis"])
    assert receipts.verify(founded, vector["text"])["shows"] == vector["shows"]
    # What nobody signs can be changed: results in the Raft modes, headers in mode raft.
    kept = {"byzantine": (), "raft-signed": ("result",), "raft": ("result", "entry")}[founded.mode]
    for bent in bent_json(vector["text"], kept):
        refused(vector, lambda text: receipts.verify(founded, text), bent)


def evidence_file(vector):
    founded = Genesis.of(vector["genesis"])
    found = evidence.verify_file(founded, vector["text"])
    assert found["id"] == vector["id"] and found["accused"] == vector["accused"]
    for bent in bent_json(vector["text"]):
        refused(vector, lambda text: evidence.verify_file(founded, text), bent)


def refused_receipt(vector):
    founded = Genesis.of(vector["genesis"])
    refused(vector, lambda text: receipts.verify(founded, text), vector["text"].encode())


def refused_evidence(vector):
    founded = Genesis.of(vector["genesis"])
    refused(vector, lambda text: evidence.verify_file(founded, text), vector["text"].encode())


def refusal(path):
    """One of the kept frames of a node: whether it refuses something, and each as it should."""
    data = path.read_bytes()
    found = frames.refusal(data)
    if found is None:
        return set()
    for cut in cuts(data):
        refused({"name": f"frame {path.name}"}, frames.refusal, cut)
    return {found[1]}


def server_frames(folder):
    """The seeds among the frames that fuzzing keeps: they have numbers for names."""
    seeds = sorted(folder.glob("[0-9][0-9]"))
    found = set().union(*(refusal(path) for path in seeds))
    assert found == {name for name, _ in frames.REFUSALS}, found
    return len(seeds)


def bent_json(text, kept=()):
    """The JSON with one bit changed in a text of hexadecimal digits, and with one more field."""
    whole_ = json.loads(text)

    def bend(value, name):
        if name in kept:
            return
        if isinstance(value, dict):
            yield {**value, "more": 1}
        parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for at, part in parts:
            for bent in bend(part, at):
                changed = value.copy()
                changed[at] = bent
                yield changed
        if isinstance(value, str) and name != "kind":
            yield from (bent.hex() for bent in changes(bytes.fromhex(value)))

    return [json.dumps(bent).encode() for bent in bend(whole_, "")]


CHECKS = {
    "transaction": transaction,
    "result": result,
    "genesis file": genesis_file,
    "key file": key_file,
    "receipt file": receipt_file,
    "evidence file": evidence_file,
    "refused receipt file": refused_receipt,
    "refused evidence file": refused_evidence,
    **dict.fromkeys(LAYOUTS, core),
}


def main(folders):
    count = sum(server_frames(pathlib.Path(one)) for one in folders if one.endswith("server-frame"))
    # The keys of the core's vectors come first: all the others need them.
    for path in sorted((one for folder in folders for one in paths(folder)), key=lambda path: path.name != "keys.json"):
        with open(path, encoding="utf-8") as file:
            vectors = json.load(file)
        if path.parent.name == "ed25519-speccheck":
            assert [at for at, vector in enumerate(vectors) if speccheck(vector)] == [3]
        else:
            check = {"keys.json": key, "hashes.json": hashing}.get(path.name)
            for vector in vectors:
                (check or CHECKS[vector["layout"]])(vector)
        count += len(vectors)
    assert count, "no vectors"
    print(f"{count} vectors hold")


def paths(folder):
    folder = pathlib.Path(folder)
    return sorted(folder.glob("*.json")) if folder.is_dir() else [folder]


if __name__ == "__main__":
    main(sys.argv[1:])
