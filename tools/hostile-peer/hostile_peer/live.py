"""Judges what real networks made, beside the command `ledger`: receipts of each mode, evidence against a traitor, keys.
Makes receipts of what nodes say, too, and has the command judge them.

    python -m hostile_peer.live --testnet target/release/testnet --ledger target/release/ledger
"""

import argparse
import asyncio
import json
import pathlib
import subprocess
import sys
import tempfile

from . import building, evidence, frames, genesis, receipts
from .connection import client, frame, read_frame
from .genesis import Genesis

TRAITOR = "n3"
# Each payment is a chance to see both of the statements that contradict each other.
PAYMENTS = 20
BEYOND_MEANS = str(2**62)


class Network:
    """A network of four processes, as its users run it."""

    def __init__(self, arguments, mode, data):
        self.arguments, self.data = arguments, data
        self.testnet("up", "--detach", "--mode", mode)
        self.genesis = Genesis(data / "genesis.json")

    def testnet(self, *words):
        return self._run(self.arguments.testnet, words, (0,))

    def ledger(self, *words, codes=(0,)):
        return self._run(self.arguments.ledger, words, codes)

    def _run(self, program, words, codes):
        command = [program, *words, "--data", str(self.data), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode not in codes:
            sys.exit(f"error: {' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout)

    def file(self, name):
        return str(self.data / name)


def same(what, found, expected):
    if found != expected:
        sys.exit(f"error: {what}: {found!r} here, and {expected!r} by the command")


async def parts_of(network, node, id_):
    """What a node says when it is asked for a receipt."""
    key = genesis.load_key(network.file("keys/alice.pem"))
    async with client(network.genesis, node, key) as (_, reader, writer):
        writer.write(frame(frames.receipt_question(7, bytes.fromhex(id_))))
        while True:
            answer = await asyncio.wait_for(read_frame(reader), 10)
            if frames.refusal(answer) is not None:
                sys.exit(f"error: node {node} refuses a receipt: {frames.refusal(answer)}")
            found = frames.receipt_parts(answer)
            if found is not None and found[0] == 7:
                return found[1]


def own_receipt(network, id_):
    """A receipt made here, of the parts of the first node that has all of them."""
    for node in range(len(network.genesis.validators)):
        parts = asyncio.run(parts_of(network, node, id_))
        try:
            if parts is not None:
                file = building.build(network.genesis, parts)
                if "result" in file:
                    return json.dumps(file)
        except building.Incomplete:
            continue
    sys.exit(f"error: no node has all parts of a receipt for {id_}")


def judge_receipt(network, id_):
    """The same verdict by both on one receipt, and on one that was made here."""
    path = network.file("receipt.json")
    network.ledger("receipt", "get", id_, "--out", path)
    shown = judge(network, path)
    pathlib.Path(path).write_text(own_receipt(network, id_), encoding="utf-8")
    same("what a receipt made here shows", judge(network, path), shown)
    return shown


def judge(network, path):
    told = network.ledger("receipt", "verify", path, codes=(0, 4, 8))
    found = receipts.verify(network.genesis, pathlib.Path(path).read_bytes())
    same("transaction", found["transaction"], told["id"])
    same("place", (found["index"], found["position"]), (told["index"], told["position"]))
    same("what the receipt shows", found["shows"], told["shown"])
    return found["shows"]


def judge_receipts(network):
    paid = network.ledger("transfer", "alice", "bob", "250")
    refused = network.ledger("transfer", "alice", "bob", BEYOND_MEANS, codes=(4,))
    return [judge_receipt(network, one["id"]) for one in (paid, refused)]


def judge_evidence(network):
    """The same verdict by both on everything that is held against a traitor."""
    network.testnet("byzantine", "set", TRAITOR, "equivocate")
    held = []
    for amount in range(1, PAYMENTS + 1):
        network.ledger("transfer", "alice", "bob", str(amount))
        held = network.ledger("evidence", "list")["evidence"]
        if held:
            break
    if not held:
        sys.exit(f"error: no evidence after {PAYMENTS} payments")
    path = network.file("evidence.json")
    for piece in held:
        network.ledger("evidence", "show", piece["id"], "--out", path)
        found = evidence.verify_file(network.genesis, pathlib.Path(path).read_bytes())
        same("evidence", (found["id"], found["accused"]), (piece["id"], piece["accused"]))
        same("the accused", found["accused"], TRAITOR)
        same("the offence", found["offence"].replace(" ", "-"), piece["offence"].replace("locks", "votes"))
    return len(held)


def judge_keys(network):
    for name, key in network.genesis.accounts.items():
        found, _ = genesis.read_key(pathlib.Path(network.file(f"keys/{name}.pem")).read_bytes())
        same("a key", found.public_key().public_bytes_raw(), key)
        told = network.ledger("account", "show", name)
        same("an address", genesis.encode_text(genesis.address(key), "hw"), told["account"])


def main():
    parser = argparse.ArgumentParser(prog="hostile_peer.live", description=__doc__.partition("\n")[0])
    parser.add_argument("--testnet", required=True, help="the testnet program")
    parser.add_argument("--ledger", required=True, help="the ledger program")
    arguments = parser.parse_args()
    shown = {
        "byzantine": ["applied", "rejected"],
        "raft-signed": ["unproven", "rejected"],
        "raft": ["unproven", "rejected"],
    }
    with tempfile.TemporaryDirectory() as folder:
        for mode, expected in shown.items():
            network = Network(arguments, mode, pathlib.Path(folder) / mode)
            try:
                judge_keys(network)
                same(f"receipts of mode {mode}", judge_receipts(network), expected)
                pieces = judge_evidence(network) if mode == "byzantine" else 0
            finally:
                network.testnet("down")
            print(f"{mode}: keys and receipts are judged alike, and so is evidence: {pieces}")


if __name__ == "__main__":
    main()
