"""Reads and judges the files that people exchange, from docs/wire.md alone.

    python -m hostile_peer.read receipt FILE --genesis genesis.json
    python -m hostile_peer.read evidence FILE --genesis genesis.json
    python -m hostile_peer.read genesis FILE
    python -m hostile_peer.read key FILE [--passphrase-file FILE]

Prints JSON. Exit code 0: it holds; for a receipt, it shows that the payment was applied. 4: a receipt shows that it was
rejected. 5: it does not hold. 8: a receipt holds and shows neither.
"""

import argparse
import json
import sys

from . import evidence, genesis, receipts
from .genesis import Genesis, encode_text
from .judging import Refused
from .reading import Malformed


def describe_genesis(found):
    return {
        "network": found.network.hex(),
        "name": found.name,
        "mode": found.mode,
        "validators": [name for name, _, _ in found.validators],
        "admin": encode_text(genesis.address(found.admin), "hw"),
        "accounts": {name: encode_text(genesis.address(key), "hw") for name, key in found.accounts.items()},
        "quorum": found.sizes.quorum,
        "tolerated": found.sizes.faulty,
    }


def describe_key(key, locked):
    public = key.public_key().public_bytes_raw()
    return {
        "public": encode_text(public, "hwk"),
        "validator": encode_text(public, "hwv"),
        "address": encode_text(genesis.address(public), "hw"),
        "locked": locked,
    }


def read(arguments):
    with open(arguments.file, "rb") as file:
        written = file.read()
    if arguments.what == "genesis":
        return describe_genesis(Genesis.of(written)), 0
    if arguments.what == "key":
        passphrase = None
        if arguments.passphrase_file:
            with open(arguments.passphrase_file, "rb") as file:
                passphrase = file.read().removesuffix(b"\n")
        return describe_key(*genesis.read_key(written, passphrase)), 0
    founded = Genesis(arguments.genesis)
    if arguments.what == "evidence":
        return evidence.verify_file(founded, written), 0
    shown = receipts.verify(founded, written)
    return shown, {"applied": 0, "rejected": 4}.get(shown["shows"], 8)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="hostile_peer.read", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="what", required=True)
    for what in ("receipt", "evidence", "genesis", "key"):
        command = commands.add_parser(what)
        command.add_argument("file")
        if what in ("receipt", "evidence"):
            command.add_argument("--genesis", required=True)
        if what == "key":
            command.add_argument("--passphrase-file")
    try:
        found, code = read(parser.parse_args(arguments))
    except (Malformed, Refused) as error:
        found, code = {"valid": False, "reason": str(error)}, 5
    print(json.dumps(found, indent=2))
    return code


if __name__ == "__main__":
    sys.exit(main())
