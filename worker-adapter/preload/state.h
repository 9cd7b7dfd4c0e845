// What the library knows: the inherited socket, and which TCP port became it.
//
// The adapter leaves it in the environment, so that it survives fork and exec:
//   DMPM_PRELOAD=FD:PORT:FAMILY    the descriptor kept for binding; the port, 0 while no program has
//                                  listened on one; 4 or 6
//   DMPM_PRELOAD_SOCKET=PATH       how a descriptor of the socket, or of a connection to it, is
//                                  known: its local address. So no table of descriptors has to be
//                                  kept, and whatever duplicates or inherits them needs no help.
// Without them, or when neither the descriptor nor the path is any use, every call passes through.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#pragma GCC visibility push(hidden)  // no name of ours in other people's programs

// The next definition of a function behind ours: the C library's. Ends the process when there is
// none.
void* preload_next(const char* name);
#define PRELOAD_NEXT(name) preload_next_##name()
// Before the use of PRELOAD_NEXT in a file. (ISO C converts no object pointer to a function's.)
#define PRELOAD_DECLARE(name)                            \
  static __typeof__(&(name)) preload_next_##name(void) { \
    static __typeof__(&(name)) next;                     \
    if (next == NULL) {                                  \
      void* const found = preload_next(#name);           \
      memcpy(&next, &found, sizeof next);                \
    }                                                    \
    return next;                                         \
  }

// The descriptor that is duplicated when a program binds its port; -1 when there is none.
int preload_kept(void);
// Finds another number for it, because the program wants this one.
void preload_move_kept(void);

// True for the inherited socket and for what was accepted from it, under any number. Keeps errno.
bool preload_is_ours(int fd);
bool preload_is_listener(int fd);

// The port that has become the socket, or will; 0 while any will do.
unsigned preload_port(void);
// From now on it is the port of `address` (of an IPv4 or IPv6 socket).
void preload_claim(const struct sockaddr* address);

// What a program that thinks it speaks TCP is told. Cuts at *size, as the kernel does.
void preload_local_address(int fd, struct sockaddr* address, socklen_t* size);
void preload_peer_address(struct sockaddr* address, socklen_t* size);
int preload_family(void);

#pragma GCC visibility pop
