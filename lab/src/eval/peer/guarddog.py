"""The peer: GuardDog's own scan of a local archive, archive after archive, in one process.

Read from standard input: a line of JSON ({"key", "ecosystem", "file", "size"}), then as many bytes of the archive.
Written to standard output: a line of JSON for each ({"key", "version", "score", "label", "rules", "seconds", "error"}).

An archive is a file only while it is scanned, in a private folder in memory. The scan is what `guarddog ECOSYSTEM scan
FILE` does: its sandbox first (no network, nothing but its own temporary folder), then its extractor, then its rules for
source code; rules that need a registry's answers do not run without one. A sandbox is for good, so each scan is a fork of
a process that has loaded everything already. That makes it faster than the command, never slower.
"""

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from importlib.metadata import version

MEMORY = "/dev/shm"
"""A file system that is never on disk."""

LONGEST_SCAN = 300
"""Seconds until a scan is given up; GuardDog's own limit for extraction."""


def offline(*_args, **_kwargs):
    """GuardDog asks for lists of popular names as soon as it is loaded; no rule that runs here needs them."""
    raise OSError("there is no network in an evaluation")


def scan(scanner, path, root):
    """What the command line does with a local archive, once in a process: its sandbox cannot be taken off again."""
    from guarddog.sandbox import apply_sandbox
    from guarddog.utils.archives import safe_extract

    os.chdir(root)
    apply_sandbox(scan_paths=[], writable_paths=[root])
    target = os.path.join(root, "_extracted")
    os.makedirs(target)
    safe_extract(path, target)
    result = scanner.scan_local(target, None, info=None)
    risk = result["risk_score"]
    rules = sorted({each["threat_rule"] for each in result["risks"]})
    errors = result.get("errors") or {}
    problem = "; ".join(f"{name}: {text}" for name, text in sorted(errors.items())) or None
    return {"score": risk["score"], "label": str(risk["label"]), "rules": rules, "error": problem}


def in_fork(scanner, path, root):
    """The result of `scan` in a child, or why there is none."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        signal.alarm(LONGEST_SCAN)
        try:
            answer = scan(scanner, path, root)
        except BaseException as problem:
            answer = {"score": None, "label": None, "rules": [], "error": f"{type(problem).__name__}: {problem}"}
        with os.fdopen(write, "w") as out:
            json.dump(answer, out)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answers:
        text = answers.read()
    _, status = os.waitpid(child, 0)
    if text:
        return json.loads(text)
    return {"score": None, "label": None, "rules": [], "error": f"the scan ended with status {status}"}


def main():
    socket.getaddrinfo = socket.create_connection = socket.socket.connect = offline
    from guarddog.ecosystems import ECOSYSTEM
    from guarddog.sandbox import is_available
    from guarddog.scanners import get_package_scanner

    if not is_available():
        sys.exit("guarddog's sandbox is not available on this machine; nothing is scanned without it")
    scanners = {"pypi": get_package_scanner(ECOSYSTEM.PYPI), "npm": get_package_scanner(ECOSYSTEM.NPM)}
    program = version("guarddog")
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        data = sys.stdin.buffer.read(order["size"])
        root = tempfile.mkdtemp(prefix="eval-", dir=MEMORY)
        os.environ["TMPDIR"] = tempfile.tempdir = root
        try:
            path = os.path.join(root, os.path.basename(order["file"]))
            with open(path, "wb") as file:
                file.write(data)
            before = time.monotonic()
            answer = in_fork(scanners[order["ecosystem"]], path, root)
        finally:
            shutil.rmtree(root, ignore_errors=True)
        answer |= {"key": order["key"], "version": program, "seconds": round(time.monotonic() - before, 3)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
