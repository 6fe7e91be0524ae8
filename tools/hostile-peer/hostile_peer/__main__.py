"""Command line: attacks a network, or measures what the attacks cost its honest clients."""

import argparse
import asyncio
import json
import os
import sys

from .attacks import ATTACKS, CLIENT_ATTACKS, STRANGER_ATTACKS, VALIDATOR_ATTACKS, Peer
from .genesis import Genesis, load_key
from .measure import measure


def parser():
    top = argparse.ArgumentParser(
        prog="hostile_peer",
        description="A peer that misbehaves, written against docs/wire.md alone. It dials loopback only.",
    )
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="names the attacks")
    one = commands.add_parser("attack", help="runs one attack on a running network")
    one.add_argument("name", choices=sorted(ATTACKS))
    one.add_argument("--genesis", required=True, help="the network's genesis.json")
    one.add_argument("--key", help="the key of the validator to be, for attacks of a validator")
    one.add_argument("--seconds", type=float, default=10)
    one.add_argument("--seed", type=int, default=0)
    all_ = commands.add_parser("measure", help="starts a network and runs attacks against it")
    all_.add_argument("--testnet", required=True, help="the testnet program")
    all_.add_argument("--ledger", required=True, help="the ledger program")
    all_.add_argument("--data", required=True, help="a folder for the network; it is made anew")
    all_.add_argument("--attacks", default="all", help="names with commas between them, or all")
    all_.add_argument("--access", choices=["anybody", "members"], default="anybody", help="who may connect")
    all_.add_argument("--seconds", type=float, default=10, help="for each attack")
    all_.add_argument("--rate", type=float, default=300, help="honest payments a second")
    all_.add_argument("--memory-mib", type=int, default=256, help="limit of each node's memory")
    all_.add_argument("--share", type=float, default=0.7, help="of undisturbed throughput that must remain")
    all_.add_argument("--stranger-share", type=float, default=0.9, help="the same beside strangers")
    all_.add_argument("--keep", action="store_true", help="leave the network up afterwards, to look at it")
    all_.add_argument("--json", action="store_true")
    return top


async def attack(arguments):
    genesis = Genesis(arguments.genesis)
    if any(not one[2].startswith("127.") for one in genesis.validators):
        sys.exit("error: the network is not on loopback")
    key = load_key(arguments.key) if arguments.key else None
    if arguments.name in VALIDATOR_ATTACKS and (key is None or genesis.position(key) is None):
        sys.exit(f"error: {arguments.name} needs --key of a validator")
    peer = Peer(genesis, key, None, arguments.seed)
    print(json.dumps({"attack": arguments.name, "seconds": arguments.seconds}), flush=True)
    task = asyncio.ensure_future(ATTACKS[arguments.name](peer))
    done, _ = await asyncio.wait([task], timeout=arguments.seconds)
    for failed in done:
        failed.result()
    print(json.dumps({"attack": arguments.name, "sent": peer.sent, "connections_ended": peer.ended}), flush=True)
    # Hundreds of connections need not say goodbye; nodes have to bear that too.
    os._exit(0)


def main():
    arguments = parser().parse_args()
    if arguments.command == "list":
        tables = ((CLIENT_ATTACKS, "anybody"), (STRANGER_ATTACKS, "stranger"), (VALIDATOR_ATTACKS, "validator"))
        for table, who in tables:
            for name, function in table.items():
                print(f"{name:28} {who:10} {function.__doc__}")
    elif arguments.command == "attack":
        asyncio.run(attack(arguments))
    else:
        sys.exit(measure(arguments))


main()
