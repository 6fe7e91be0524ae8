"""The network that is attacked: its processes, their memory, and what became of them."""

import os
import resource
import subprocess
import sys
import threading

# The validator whose key the peer holds; its own process is stopped.
TRAITOR = "n3"

MIB = 2**20


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


class Nodes:
    """A network of four of which three run, each with a limit on its data memory."""

    def __init__(self, testnet, data, memory_mib, access):
        self.testnet = testnet
        self.data = data
        self.pids = {}
        self.peak_resident_mib = 0.0
        # Data memory is what the limit counts: also stacks and heaps that were never touched.
        self.peak_data_mib = 0.0
        self.stopping = threading.Event()
        run(testnet, "up", "--detach", "--reset", "--access", access, "--data", data)
        try:
            run(testnet, "status", "--wait", "healthy", "--data", data)
            run(testnet, "kill", TRAITOR, "--data", data)
            for name in sorted(os.listdir(data)):
                path = os.path.join(data, name, "pid")
                if name != TRAITOR and os.path.exists(path):
                    with open(path, encoding="utf-8") as file:
                        self.pids[name] = int(file.read().split()[0])
            for pid in self.pids.values():
                resource.prlimit(pid, resource.RLIMIT_DATA, (memory_mib * MIB, memory_mib * MIB))
        except BaseException:
            self.down()
            raise
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while not self.stopping.wait(0.05):
            for pid in self.pids.values():
                status = _status(pid)
                self.peak_resident_mib = max(self.peak_resident_mib, _mib(status, "VmHWM"))
                self.peak_data_mib = max(self.peak_data_mib, _mib(status, "VmData"))

    def alive(self):
        return [name for name, pid in self.pids.items() if _status(pid).get("State", "X")[0] not in "ZX"]

    def deaths(self):
        """Which nodes died, and the last that they said; nothing if none did."""
        said = []
        for name in sorted(set(self.pids) - set(self.alive())):
            path = os.path.join(self.data, name, "node.log")
            with open(path, encoding="utf-8", errors="replace") as file:
                last = "".join(file.readlines()[-8:]).strip()
            said.append(f"{name} died; the end of {path}:\n{last}")
        return "\n".join(said)

    def down(self):
        self.stopping.set()
        run(self.testnet, "down", "--data", self.data)


def _status(pid):
    """The process's fields in /proc; none if there is no such process."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
    except (FileNotFoundError, ProcessLookupError):
        return {}


def _mib(status, field):
    return int(status.get(field, "0").split()[0]) / 1024
