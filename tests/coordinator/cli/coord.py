"""What the tests of deit-coord's verbs share: a state folder of its own, jobs as their owners would record them, processes that stand for
owners, guardians and workers, and deit-coord in a pipe or on a pseudo-terminal. Every process is ended by the test that started it.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from case_runner import run_cases  # noqa: E402

COORD = os.environ.get("DEIT_COORD", "deit-coord")
LIMIT = 30  # seconds that nothing here needs
BOOT = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identity(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return {"host": socket.gethostname(), "boot_id": BOOT, "pid": pid, "start_time": int(fields[19])}


def poll(what, limit=LIMIT):
    """Yields until `limit` seconds are over, which is a failure."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        yield
        time.sleep(0.01)
    raise AssertionError(f"{what}: not within {limit} s")


def await_handler(child, number=signal.SIGINT):
    """Returns when the process catches that signal."""
    for _ in poll("the handler"):
        caught = re.search(r"^SigCgt:\t(\w+)$", pathlib.Path(f"/proc/{child.pid}/status").read_text(), re.MULTILINE)
        if int(caught[1], 16) >> (number - 1) & 1:
            return


class Ended:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Terminal:
    """A program on a pseudo-terminal, which shows both its streams."""

    def __init__(self, command, environment, folder, columns=80, rows=24):
        self.shown = b""
        pid, self.fd = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.chdir(folder)
            os.execve(command[0], command, environment)
        self.pid = pid

    def read(self, seconds):
        """What comes within so long; empty at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return b""
        with contextlib.suppress(OSError):  # the other side is closed
            got = os.read(self.fd, 65536)
            self.shown += got
            return got
        return b""

    def await_text(self, text):
        for _ in poll(text):
            if text in self.text():
                return
            self.read(0.05)

    def text(self):
        return self.shown.decode(errors="replace")

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self):
        """Its exit code, or minus the signal that ended it."""
        for _ in poll("the end"):
            self.read(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.read(0.05):
                    pass
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)


class Screen:
    """What a terminal shows after `text`: the few control sequences that deit-coord uses, and no others."""

    def __init__(self, text):
        self.lines, self.row, self.column = [""], 0, 0
        for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+|\x1b", text):
            self.take(piece)

    def take(self, piece):
        if piece == "\r":
            self.column = 0
        elif piece == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")
        elif piece == "\x1b[K":
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif piece == "\x1b[J":
            del self.lines[self.row + 1 :]
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif piece == "\x1b[H":
            self.row = self.column = 0
        elif piece == "\x1b[2J":
            self.lines = [""] * len(self.lines)
        elif re.fullmatch(r"\x1b\[\d+A", piece):
            self.row -= int(piece[2:-1])
        elif not re.fullmatch(r"\x1b\[\d*m", piece):
            if piece.startswith("\x1b"):
                raise AssertionError(f"unexpected control sequence {piece!r}")
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + piece + line[self.column + len(piece) :]
            self.column += len(piece)


class CoordTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="deit_coord_"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.jobs = self.folder / "state" / "jobs"
        self.jobs.mkdir(parents=True, mode=0o700)
        self.environment = dict(os.environ, DEIT_STATE_DIR=str(self.folder / "state"), TERM="xterm")
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            self.environment.pop(name, None)

    # --- processes ---

    def process(self, code="import time; time.sleep(600)"):
        """A Python process that runs `code`; once it has said so, its handlers are in place."""
        child = subprocess.Popen([sys.executable, "-c", "print(flush=True)\n" + code if "ready" not in code else code],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=self.folder)
        self.addCleanup(self.end, child)
        child.stdout.readline()
        return child

    @staticmethod
    def end(child):
        child.kill()
        child.wait()
        child.stdout.close()

    def dead(self):
        child = self.process("pass")
        found = dict(identity(os.getpid()), pid=child.pid)
        child.wait()
        return dict(found, start_time=1)

    def coord(self, *words, env=None, stdin=subprocess.DEVNULL):
        ended = subprocess.run([COORD, *map(str, words)], env={**self.environment, **(env or {})}, stdin=stdin, capture_output=True,
                               text=True, cwd=self.folder, timeout=LIMIT, check=False)
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def start(self, *words):
        """deit-coord in pipes, to be ended or interrupted."""
        child = subprocess.Popen([COORD, *map(str, words)], env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, cwd=self.folder)
        self.addCleanup(child.stderr.close)
        self.addCleanup(self.end, child)
        return child

    def terminal(self, *words, env=None, program=COORD, **size):
        terminal = Terminal([program, *map(str, words)], {**self.environment, **(env or {})}, self.folder, **size)

        def end():
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(terminal.pid, signal.SIGKILL)
                os.waitpid(terminal.pid, 0)

        self.addCleanup(end)
        return terminal

    # --- jobs ---

    def run_dir(self, name):
        path = self.folder / "runs" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def record(self, job, state="RUNNING", owner=None, **fields):
        """Writes a record, atomically as an owner does, and returns it."""
        now = time.time()
        record = {"job": job, "name": "student", "run_dir": str(self.run_dir(job)), "spec_digest": "00112233aabbccdd", "state": state,
                  "owner": owner or self.dead(), "workers": [], "attempt": 1, "workers_wanted": 2, "workers_min": 2, "workers_max": 2,
                  "max_restarts": 3, "created": now - 60, "updated": now, **fields}
        aside = self.jobs / f"{job}.json.new"
        aside.write_text(json.dumps(record))
        aside.rename(self.jobs / f"{job}.json")
        return record

    def ended(self, job, state, code=0, **fields):
        return self.record(job, state, ended=time.time(), exit_code=code, **fields)

    def write(self, path, content):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    def status(self, *words):
        """job id -> its object in `status --json`."""
        ended = self.coord("status", *words, "--json")
        self.assertEqual((ended.code, ended.err), (0, ""), ended)
        return {job["job"]: job for job in json.loads(ended.out)["jobs"]}


def main():
    if not shutil.which(COORD):
        sys.exit(f"DEIT_COORD: {COORD}: no such program")
    run_cases()
