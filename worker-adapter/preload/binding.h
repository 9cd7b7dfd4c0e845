// The moment at which a program's TCP socket becomes the inherited one.
#pragma once

#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#pragma GCC visibility push(hidden)  // no name of ours in other people's programs

// Whether `fd` is to be bound to the port that is, or now becomes, the inherited socket.
enum preload_verdict { PRELOAD_PASS, PRELOAD_TAKE, PRELOAD_REFUSE };
enum preload_verdict preload_judge(int fd, const struct sockaddr* address, socklen_t size);

// Puts the inherited socket in the place of `fd` and of every duplicate of it, with what the
// program had done to it. False, with errno, when that fails.
bool preload_take(int fd, const struct sockaddr* address);

// Registrations made before the port is bound: the kernel drops them with the socket that goes.
void preload_note_epoll(int epoll, int operation, int fd, const struct epoll_event* event);
void preload_forget_epoll(int fd);

#pragma GCC visibility pop
