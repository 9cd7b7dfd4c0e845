#!/usr/bin/python3
"""worker.py that also runs what a test sends it, to see what this process can do:

  POST /python    the body is Python; answers {"done": result} with what it left in `result`, or
                  {"error": the exception's class, "text": its text}
"""
import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import worker  # noqa: E402  (it lies beside this file)

LIBC = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    """A function of the C library: its result, or OSError."""
    result = getattr(LIBC, name)(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def in_child(function):
    """How a child that calls it ends: 0, the errno of its OSError, or -SIGNAL."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 255)
        except MemoryError:
            os._exit(errno.ENOMEM)
        finally:
            os._exit(254)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def daemonize(*command):
    """Starts a program that has left its session, as daemons do."""
    if (child := os.fork()) == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            os.execv(command[0], command)
        os._exit(0)
    os.waitpid(child, 0)


class Prober(worker.Connection):
    def read_body(self, request):
        pieces = []
        request.take = pieces.append
        super().read_body(request)
        request.body = b"".join(pieces)

    def do_python(self, request):
        names = {"call": call, "ctypes": ctypes, "daemonize": daemonize, "in_child": in_child,
                 "os": os, "signal": signal, "socket": socket, "subprocess": subprocess}
        try:
            exec(request.body, names)
            self.reply(request, {"done": names.get("result")})
        except Exception as error:
            self.reply(request, {"error": type(error).__name__, "text": str(error)})


worker.Connection = Prober
if __name__ == "__main__":
    worker.main()
