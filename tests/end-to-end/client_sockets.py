"""How many clients a process has connections of. Not by its descriptors: idle connections to workers are
kept, and are Unix sockets."""
from harness import descriptors

LISTENING = "0A"


def client_sockets(pid):
    """How many TCP connections it holds, in whatever state."""
    mine = set(descriptors(pid).values())
    count = 0
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}", encoding="ascii") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                count += fields[3] != LISTENING and f"socket:[{fields[9]}]" in mine
    return count
