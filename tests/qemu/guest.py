"""A QEMU that a test talks to: its serial port as text, its keys, its screen.

Always TCG, so that every machine gives the same answer. Set SHIM_TEST_SLOW=3 to stretch every time limit threefold.
"""
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

SLOW = float(os.environ.get("SHIM_TEST_SLOW", "1"))
PATIENCE = 60  # seconds, the shortest wait: a machine with other work answers late, and success costs no time
ESCAPES = re.compile(r"\x1b(\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9]|[78=>M])")
MOVES = re.compile(r"\x1b\[[0-9;]*H")
UNFINISHED = re.compile(r"\x1b[^A-Za-z]*$")

UP, DOWN, ENTER = "\x1b[A", "\x1b[B", "\r"


class Timeout(AssertionError):
    """What was waited for did not come."""


def stretched(timeout):
    """Seconds to wait for what takes `timeout` at most on a machine of our own."""
    return max(timeout, PATIENCE) * SLOW


class Guest:
    """with Guest("-kernel", "build/shim.elf") as g: g.expect("shim: "); g.send("1")"""

    def __init__(self, *args, machine="pc", memory=256, smp=1, name="qemu-system-x86_64"):
        self.folder = tempfile.mkdtemp(prefix="shim-guest-")
        self.qmp_path = os.path.join(self.folder, "qmp")
        self.command = [
            name, "-accel", "tcg", "-M", machine, "-m", str(memory), "-smp", str(smp), "-display", "none",
            "-nic", "none", "-no-reboot", "-no-user-config", "-chardev", "stdio,id=serial0,signal=off",
            "-serial", "chardev:serial0", "-monitor", "none", "-qmp", f"unix:{self.qmp_path},server=on,wait=off",
            *[str(a) for a in args],
        ]
        self.raw = ""
        self.position = 0
        self.closed = False
        self.news = threading.Condition()
        self.qmp = None
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            data = os.read(self.process.stdout.fileno(), 65536)
            with self.news:
                self.raw += data.decode("utf-8", "replace")
                self.closed = not data
                self.news.notify_all()
            if not data:
                return

    @property
    def text(self):
        """All that the serial port said, without terminal control; where the cursor was sent elsewhere, a new line."""
        return ESCAPES.sub("", MOVES.sub("\n", UNFINISHED.sub("", self.raw))).replace("\r", "")

    def expect(self, pattern, timeout=30):
        """Wait for the regular expression behind what was matched before; returns the match."""
        timeout = stretched(timeout)
        limit = time.monotonic() + timeout
        with self.news:
            while True:
                text = self.text
                match = re.compile(pattern, re.M).search(text, self.position)
                if match:
                    self.position = match.end()
                    return match
                left = limit - time.monotonic()
                if self.closed:
                    raise Timeout(f"QEMU ended (status {self.process.wait()}) before /{pattern}/\n{self.log()}")
                if left <= 0:
                    raise Timeout(f"no /{pattern}/ within {timeout:.0f} s\n{self.log()}")
                self.news.wait(min(left, 0.5))

    def log(self):
        """Command, serial port and registers, for the message of a failure."""
        state = ""
        if not self.closed:
            try:
                state = "\n---- registers\n" + self.monitor("info registers")[:700]
            except (OSError, ValueError, KeyError):
                state = "\n---- the monitor does not answer"
        return f"---- {' '.join(self.command)}\n---- serial\n{self.text[-6000:]}{state}"

    def send(self, keys):
        """Type on the serial port."""
        self.process.stdin.write(keys.encode())
        self.process.stdin.flush()

    def wait_exit(self, timeout=30):
        """QEMU's exit status; isa-debug-exit gives 2 * code + 1."""
        timeout = stretched(timeout)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Timeout(f"QEMU still runs after {timeout:.0f} s\n{self.log()}") from None
        self.reader.join(5)
        return status

    def monitor(self, line):
        """One line of QEMU's human monitor; returns its answer."""
        if not self.qmp:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(stretched(20))
            for tries_left in range(1200, -1, -1):  # QEMU makes the socket a moment after its start, and then listens
                try:
                    connection.connect(self.qmp_path)
                    break
                except (FileNotFoundError, ConnectionRefusedError):
                    if not tries_left or self.closed:
                        raise
                    time.sleep(0.05)
            self.qmp = connection.makefile("rw")
            self.qmp.readline()
            self._command("qmp_capabilities")
        return self._command("human-monitor-command", {"command-line": line})

    def _command(self, name, arguments=None):
        self.qmp.write(json.dumps({"execute": name, "arguments": arguments or {}}) + "\n")
        self.qmp.flush()
        while True:
            answer = json.loads(self.qmp.readline())
            if "event" not in answer:
                return answer.get("return", answer)

    def screen(self):
        """The VGA text screen as 25 lines."""
        words = re.findall(r"0x([0-9a-f]{4})", re.sub(r"^\S+:", "", self.monitor("xp /2000hx 0xb8000"), flags=re.M))
        cells = bytes(int(w, 16) & 0xFF for w in words).decode("cp437")
        return "\n".join(cells[n : n + 80].rstrip() for n in range(0, 2000, 80))

    def expect_screen(self, pattern, timeout=30):
        """Wait for the regular expression anywhere on the VGA text screen; returns the match."""
        timeout = stretched(timeout)
        limit = time.monotonic() + timeout
        while True:
            text = self.screen()
            match = re.search(pattern, text)
            if match:
                return match
            if time.monotonic() > limit:
                raise Timeout(f"no /{pattern}/ on the screen within {timeout:.0f} s\n{text}\n{self.log()}")
            time.sleep(0.3)

    def stop(self):
        """End QEMU, whatever it does; nothing is left behind."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join(5)
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except OSError:
                pass
        if self.qmp:
            self.qmp.close()
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))
        os.rmdir(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def virtio_disk(path, name="d0", kind="transitional", **options):
    """Arguments for one virtio disk over PCI: kind is transitional, modern or legacy."""
    modes = {"transitional": "", "modern": ",disable-legacy=on,disable-modern=off",
             "legacy": ",disable-modern=on,disable-legacy=off"}
    more = "".join(f",{k if k.endswith('block_size') else k.replace('_', '-')}={v}" for k, v in options.items())
    return ["-drive", f"file={path},format=raw,if=none,id={name},file.locking=off,snapshot=on",
            "-device", f"virtio-blk-pci,drive={name}{modes[kind]}{more}"]
