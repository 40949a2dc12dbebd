"""Runs a program in a pseudo-terminal, as somebody at a terminal would: waits for what it prints,
changes the size, presses keys. Steps come as JSON in the first argument, the program in the others.
Prints as JSON what came since the last step of each, the exit status, and whether the terminal is as
it was before."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

steps = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])


def resize(rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


resize(24, 100)
before = termios.tcgetattr(fd)
seen = ""


def read_until(pattern, seconds=30):
    """True when it came, false when the program ended or took too long."""
    global seen
    end = time.time() + seconds
    while time.time() < end:
        if pattern is not None and re.search(pattern, seen):
            return True
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:
            return False
        if not data:
            return False
        seen += data.decode("utf-8", "replace")
    return False


came = []
for step in steps:
    if "resize" in step:
        seen = ""
        resize(*step["resize"])
    if "press" in step:
        seen = ""
        os.write(fd, step["press"].encode())
    if "until" in step and not read_until(step["until"]):
        came.append(seen)
        break
    came.append(seen)
after = termios.tcgetattr(fd)
read_until(None, 20)
_, status = os.waitpid(pid, 0)
print(json.dumps({
    "came": came,
    "code": os.waitstatus_to_exitcode(status),
    "restored": before == after,
}))
