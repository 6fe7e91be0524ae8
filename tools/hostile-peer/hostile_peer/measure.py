"""What the attacks cost honest clients: throughput beside and without each, memory, crashes."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time

from .attacks import ATTACKS, VALIDATOR_ATTACKS

# The validator whose key the peer holds; its own process is stopped.
TRAITOR = "n3"


class Load:
    """Honest payments at a fixed rate, through the ledger program."""

    def __init__(self, arguments):
        self.rate = arguments.rate
        self.done = 0
        self.failed = []
        self.stopping = False
        command = [arguments.ledger, "submit", "-", "--json", "--data", arguments.data]
        command += ["--in-flight", "512", "--timeout", "60s"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        threading.Thread(target=self._write, daemon=True).start()
        threading.Thread(target=self._read, daemon=True).start()

    def _write(self):
        started, number = time.monotonic(), 0
        try:
            while not self.stopping:
                due = int((time.monotonic() - started) * self.rate)
                while number < due:
                    self.process.stdin.write('{"from": "alice", "to": "bob", "amount": "1"}\n')
                    number += 1
                self.process.stdin.flush()
                time.sleep(0.01)
            self.process.stdin.close()
        except (BrokenPipeError, ValueError):
            pass

    def _read(self):
        for line in self.process.stdout:
            result = json.loads(line)
            if result.get("status") == "applied":
                self.done += 1
            else:
                self.failed.append(result)

    def over(self, seconds):
        """Payments applied a second, from now on for so long."""
        before, started = self.done, time.monotonic()
        time.sleep(seconds)
        return (self.done - before) / (time.monotonic() - started)

    def stop(self):
        self.stopping = True
        self.process.wait(timeout=120)


def pids(data):
    found = {}
    for name in sorted(os.listdir(data)):
        path = os.path.join(data, name, "pid")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                found[name] = int(file.read().split()[0])
    return found


def memory_mib(pid, field):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def start(arguments):
    data = ("--data", arguments.data)
    run(arguments.testnet, "up", "--detach", "--reset", *data)
    run(arguments.testnet, "kill", TRAITOR, *data)
    nodes = {name: pid for name, pid in pids(arguments.data).items() if name != TRAITOR}
    limit = arguments.memory_mib * 2**20
    for pid in nodes.values():
        resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))
    return nodes


def attack(arguments, name, load):
    command = [sys.executable, "-m", "hostile_peer", "attack", name, "--seconds", str(arguments.seconds)]
    command += ["--genesis", os.path.join(arguments.data, "genesis.json")]
    if name in VALIDATOR_ATTACKS:
        command += ["--key", os.path.join(arguments.data, TRAITOR, "key.pem")]
    peer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        rate = load.over(arguments.seconds)
        out, err = peer.communicate(timeout=30)
    finally:
        peer.send_signal(signal.SIGKILL)
    if peer.returncode != 0:
        sys.exit(f"error: the attack {name} itself failed:\n{err}")
    return rate, json.loads(out)


def measure(arguments):
    names = list(ATTACKS) if arguments.attacks == "all" else arguments.attacks.split(",")
    nodes = start(arguments)
    load = Load(arguments)
    load.over(4)
    rows, good = [], True
    for name in names:
        alone = load.over(arguments.seconds / 2)
        beside, sent = attack(arguments, name, load)
        alive = [node for node, pid in nodes.items() if os.path.exists(f"/proc/{pid}")]
        peak = max((memory_mib(nodes[node], "VmHWM") for node in alive), default=0.0)
        share = beside / alone if alone else 0.0
        held = share >= arguments.share and len(alive) == len(nodes) and peak <= arguments.memory_mib
        good &= held
        row = {
            "attack": name,
            "sent": sent["sent"],
            "alone_per_second": round(alone, 1),
            "beside_per_second": round(beside, 1),
            "share": round(share, 2),
            "peak_memory_mib": round(peak, 1),
            "nodes_alive": len(alive),
            "held": held,
        }
        rows.append(row)
        if not arguments.json:
            print(
                f"{name:28} {row['sent']:>9} sent  {row['alone_per_second']:>7} -> {row['beside_per_second']:>7} a second"
                f"  {row['share']:>5}  {row['peak_memory_mib']:>6} MiB  {'held' if held else 'NOT HELD'}",
                flush=True,
            )
    load.stop()
    run(arguments.testnet, "down", "--data", arguments.data)
    if arguments.json:
        print(json.dumps({"rate": arguments.rate, "attacks": rows, "failed_payments": load.failed, "held": good}))
    else:
        for failed in load.failed[:5]:
            print(f"failed: {failed}")
        print(f"{sum(row['held'] for row in rows)} of {len(rows)} attacks held, {len(load.failed)} honest payments failed")
    return 0 if good else 6
