"""Runs a program and reaps every process that it leaves behind: `reaper.py PROGRAM [ARG ...]`.

QEMU detaches from libvirtd and becomes a child of process 1. Where process 1 is no init system and collects its dead only now
and then, libvirt waits for seconds for a QEMU that has long ended, and every delete seems slow. A real init collects at once.
"""
import ctypes
import os
import signal
import sys

PR_SET_CHILD_SUBREAPER = 36

ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
child = os.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(name, lambda number, frame: os.kill(child, number))
while True:
    pid, status = os.wait()
    if pid == child:
        sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
