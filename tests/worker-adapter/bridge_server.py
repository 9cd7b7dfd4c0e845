"""A TCP (or Unix) server for the tests of the bridge: what it does, a connection's first line says.

  echo        sends back everything that follows, and its end
  early       answers, ends its sending, and then reads what still comes; says on its standard error
              how much that was
  who         its ids, its capabilities, its interfaces, its process
  abort       resets the connection
  hold        says "held" and keeps the connection open
  exit N      ends the process with that status

Says each signal on standard error; SIGTERM ends it when the open connections have gone.
"""
import os
import signal
import socket
import struct
import sys
import threading

open_now = set()


def say(text):
    os.write(2, f"{text}\n".encode())


def status(name):
    with open("/proc/self/status", encoding="ascii") as file:
        return next(line.split()[1] for line in file if line.startswith(name))


def serve(sock):
    stream = sock.makefile("rb")
    words = stream.readline().split()
    if words[0] == b"echo":
        while data := stream.read1(65536):
            sock.sendall(data)
    elif words[0] == b"early":
        sock.sendall(b"early answer")
        sock.shutdown(socket.SHUT_WR)
        say(f"read {len(stream.read())} after the answer")
    elif words[0] == b"who":
        text = f"{os.getuid()} {os.getgid()} {status('CapEff')} {os.getpid()} -"
        sock.sendall(f"{text} {[name for _, name in socket.if_nameindex()]}".encode())
    elif words[0] == b"abort":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif words[0] == b"hold":
        sock.sendall(b"held\n")
        stream.read()
    elif words[0] == b"exit":
        os._exit(int(words[1]))
    stream.close()
    sock.close()
    open_now.discard(sock)


def stop(number, _):
    say(f"signal {signal.Signals(number).name}")
    if number == signal.SIGTERM:
        listener.close()
        threading.Thread(target=leave_when_idle).start()


def leave_when_idle():
    while open_now:
        threading.Event().wait(0.005)
    os._exit(0)


for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGWINCH):
    signal.signal(number, stop)
if sys.argv[1].startswith("/"):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
else:
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.listen(128)
say("listening")
while True:
    try:
        accepted, _ = listener.accept()
    except OSError:
        break
    open_now.add(accepted)
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
signal.pause()
