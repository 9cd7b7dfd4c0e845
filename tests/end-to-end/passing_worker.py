#!/usr/bin/python3
"""A worker that sends descriptors along with its answer, each the last one of a TCP connection whose close()
waits for a peer that does not read. When no more fits into the socket's queue it writes "sent N" or, where the
kernel does not let it, "refused" into its first argument, and sends the rest."""
import os
import socket
import struct
import sys

LINGER = 300  # seconds
PIECE, BODY = 16384, 16384 * 400


def stuck_connection(listener):
    """(a connection with bytes that nobody takes, the end that does not take them)"""
    connection = socket.create_connection(listener.getsockname())
    deaf, _ = listener.accept()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, LINGER))
    connection.setblocking(False)
    try:
        while True:
            connection.send(bytes(65536))
    except BlockingIOError:
        return connection, deaf


def send_with_descriptors(client, listener, deaf):
    """How many bytes were sent, and what became of it."""
    sent = messages = 0
    client.setblocking(False)
    while sent + PIECE < BODY:
        connection, end = stuck_connection(listener)
        deaf.append(end)
        try:
            sent += socket.send_fds(client, [bytes(PIECE)], [connection.fileno()])
        except PermissionError:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            return sent, "refused"
        except BlockingIOError:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            break
        connection.close()  # now the last one is in the queue
        messages += 1
    return sent, f"sent {messages}"


def main():
    listener, deaf = socket.create_server(("127.0.0.1", 0)), []
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with socket.socket(fileno=3) as server:
        client, _ = server.accept()
        while not client.recv(65536).endswith(b"\r\n\r\n"):
            pass
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BODY)
        sent, outcome = send_with_descriptors(client, listener, deaf)
        with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
            file.write(outcome)
        os.rename(sys.argv[1] + ".new", sys.argv[1])
        client.setblocking(True)
        client.sendall(bytes(BODY - sent))
        client.recv(1)


if __name__ == "__main__":
    main()
