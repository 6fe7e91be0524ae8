"""What the attacks cost honest clients: throughput beside and without each, memory, crashes."""

import json
import os
import subprocess
import sys
import tempfile

from .attacks import ATTACKS, STRANGER_ATTACKS, VALIDATOR_ATTACKS
from .load import Load, Unmeasurable
from .nodes import TRAITOR, Nodes

NOT_HELD = 6


def attack(arguments, name, load):
    """Payments applied a second beside the attack, and what it sent."""
    command = [sys.executable, "-m", "hostile_peer", "attack", name, "--seconds", str(arguments.seconds)]
    command += ["--genesis", os.path.join(arguments.data, "genesis.json")]
    if name in VALIDATOR_ATTACKS:
        command += ["--key", os.path.join(arguments.data, TRAITOR, "key.pem")]
    errors = tempfile.TemporaryFile(mode="w+")
    peer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        # Its first line says that it begins.
        peer.stdout.readline()
        rate = load.over(arguments.seconds)
        peer.wait(timeout=30)
    except subprocess.TimeoutExpired:
        raise Unmeasurable(f"the attack {name} did not end") from None
    finally:
        peer.kill()
    if peer.returncode != 0:
        errors.seek(0)
        raise Unmeasurable(f"the attack {name} itself failed:\n{errors.read()}")
    return rate, json.loads(peer.stdout.read())["sent"]


class Measurement:
    """The attacks one after another, each beside an undisturbed measure of its own."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.rows = []
        self.failed = []
        self.error = None

    def run(self, names):
        arguments = self.arguments
        nodes = Nodes(arguments.testnet, arguments.data, arguments.memory_mib, arguments.access)
        load = None
        try:
            load = Load(arguments.ledger, arguments.data, arguments.rate)
            self._run(names, nodes, load)
            load.stop()
        except Unmeasurable as error:
            self.error = "\n".join(filter(None, [self._when(), str(error), nodes.deaths()]))
        finally:
            if load:
                self.failed = load.failed
                load.kill()
            if not arguments.keep:
                nodes.down()

    def _run(self, names, nodes, load):
        alone = load.undisturbed(self.arguments.seconds / 2)
        for name in names:
            beside, sent = attack(self.arguments, name, load)
            alive = nodes.alive()
            row = {
                "attack": name,
                "sent": sent,
                "alone_per_second": round(alone, 1),
                "beside_per_second": round(beside, 1),
                "share": round(beside / alone, 2),
                "peak_memory_mib": round(nodes.peak_resident_mib, 1),
                "peak_data_mib": round(nodes.peak_data_mib, 1),
                "nodes_alive": len(alive),
                "held": beside >= self._share(name) * alone and len(alive) == len(nodes.pids),
            }
            self.rows.append(row)
            if not self.arguments.json:
                print(line_of(row), flush=True)
            if nodes.deaths():
                raise Unmeasurable("a node died")
            # Also shows that the attack left nothing behind.
            alone = load.undisturbed(self.arguments.seconds / 2)

    def _share(self, name):
        stranger = name in STRANGER_ATTACKS
        return self.arguments.stranger_share if stranger else self.arguments.share

    def _when(self):
        return f"after {self.rows[-1]['attack']}:" if self.rows else "before any attack:"

    def code(self):
        """What is never undisturbed again after an attack has not borne it."""
        if self.error:
            return NOT_HELD if self.rows else 1
        return 0 if all(row["held"] for row in self.rows) and not self.failed else NOT_HELD


def line_of(row):
    return (
        f"{row['attack']:28} {row['sent']:>9} sent  {row['alone_per_second']:>7} -> {row['beside_per_second']:>7} a second"
        f"  {row['share']:>5}  {row['peak_memory_mib']:>6} MiB resident  {row['peak_data_mib']:>6} MiB data"
        f"  {'held' if row['held'] else 'NOT HELD'}"
    )


def measure(arguments):
    names = list(ATTACKS) if arguments.attacks == "all" else arguments.attacks.split(",")
    for name in names:
        if name not in ATTACKS:
            sys.exit(f"error: there is no attack {name}")
    measurement = Measurement(arguments)
    measurement.run(names)
    rows, failed = measurement.rows, measurement.failed
    held = sum(row["held"] for row in rows)
    if arguments.json:
        print(
            json.dumps(
                {
                    "rate": arguments.rate,
                    "attacks": rows,
                    "failed_payments": failed,
                    "error": measurement.error,
                    "held": measurement.code() == 0,
                }
            )
        )
    else:
        for one in failed[:5]:
            print(f"failed: {one}")
        print(f"{held} of {len(names)} attacks held, {len(failed)} honest payments failed")
    if measurement.error:
        print(f"error: {measurement.error}", file=sys.stderr)
    return measurement.code()
