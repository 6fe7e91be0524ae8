"""Honest payments at a fixed rate, and what becomes of them."""

import json
import subprocess
import tempfile
import threading
import time


class Unmeasurable(Exception):
    """A measure that cannot be had, and why."""


class Load:
    """Pays from alice to bob through the ledger program, at so many payments a second."""

    def __init__(self, ledger, data, rate):
        self.rate = rate
        self.sent = 0
        self.done = 0
        self.failed = []
        self.stopping = False
        command = [ledger, "submit", "-", "--json", "--data", data]
        command += ["--in-flight", "512", "--timeout", "60s"]
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        threading.Thread(target=self._write, daemon=True).start()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _write(self):
        started = time.monotonic()
        try:
            while not self.stopping:
                due = int((time.monotonic() - started) * self.rate)
                while self.sent < due:
                    self.process.stdin.write('{"from": "alice", "to": "bob", "amount": "1"}\n')
                    self.sent += 1
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

    @property
    def waiting(self):
        """Payments whose results are still to come."""
        return self.sent - self.done - len(self.failed)

    def over(self, seconds):
        """Payments applied a second, from now on for so long."""
        before, started = self.done, time.monotonic()
        time.sleep(seconds)
        if self.process.poll() is not None:
            raise Unmeasurable(f"the ledger program ended, exit {self.process.returncode}:\n{self._said()}")
        return (self.done - before) / (time.monotonic() - started)

    def undisturbed(self, seconds, patience=20):
        """Payments applied a second over so long, once they keep up with the rate that is asked for."""
        until = time.monotonic() + patience
        while True:
            # What was held up before would count twice.
            caught_up = self.waiting <= self.rate / 2
            rate = self.over(seconds)
            if caught_up and self.waiting <= self.rate / 2 and rate >= 0.9 * self.rate:
                return rate
            if time.monotonic() > until:
                raise Unmeasurable(
                    f"{rate:.1f} of {self.rate:g} payments a second are applied though nothing attacks, and"
                    f" {self.waiting} wait: this is not undisturbed after {patience} s"
                )

    def stop(self):
        """Ends the payments and waits for the results of all."""
        self.stopping = True
        try:
            self.process.wait(timeout=70)
        except subprocess.TimeoutExpired:
            raise Unmeasurable(f"{self.waiting} payments had no result long after their time was over") from None
        self.reader.join()

    def kill(self):
        self.stopping = True
        self.process.kill()
        self.process.wait()

    def _said(self):
        self.errors.seek(0)
        return self.errors.read()[-2_000:].strip()
