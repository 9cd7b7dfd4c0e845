/* Permission modules of dmpm: all that one has to know to write one. This header needs nothing but
 * the C library's, and a module needs nothing but this header. docs/permission-modules.md has an
 * example from the first line to the configuration.
 *
 * A module changes what the workers of a group may do. It is the shared library NAME.so in dmpm's
 * permission module directory, NAME being [a-z][a-z0-9_-]{0,31}. A group asks for it with
 *
 *     "permissions": { "user": "alice", "modules": { "NAME": { SETTINGS } } }
 *
 * and the library defines dmpm_permission_module (at the end of this file) with two functions:
 *
 *     read    Checks SETTINGS and turns them into bytes. Called when a configuration is read: in
 *             the master, which runs as root, and in `dmpm check`, which need not. Changes nothing
 *             outside; does not wait; keeps no pointer that it was given.
 *     apply   Does what the bytes say, in the process that is about to become a worker, at each
 *             stage that the module declares. That process has one thread and is the module's to
 *             change, but descriptors 0 to 4 are not.
 *
 * All pointers are valid until the function returns. Strings end with a zero byte. */
#ifndef DMPM_PERMISSION_MODULE_H
#define DMPM_PERMISSION_MODULE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when this file changes so that modules have to be compiled anew. */
#define DMPM_PERMISSION_MODULE_ABI 1u

/* The most that read() may emit for one group. */
#define DMPM_MAX_SETTINGS 16384u

/* ---- read ---- */

/* A value of the configuration file that knows where it stands. */
typedef struct dmpm_value dmpm_value;

/* The functions that take a value may be given NULL, which stands for an absent one: they then
 * return 0 or NULL and report nothing.
 *
 * The ones that return int return 1 when they have set *out. Otherwise *out is as it was, and if
 * the value was there and wrong, that has been reported. So a default is set first:
 *
 *     int64_t size = 64;
 *     dmpm->integer(dmpm->member(dmpm->settings, "size"), 1, 1024, &size);
 *
 * Whatever is reported is printed with the file, line and column of the value, and means that the
 * configuration is wrong. A member that was never asked for is reported as unknown by itself. */
struct dmpm_reader {
  const dmpm_value* settings; /* an object */

  /* Of an object (else reports that it must be one): the member, or NULL when there is none. */
  const dmpm_value* (*member)(const dmpm_value* object, const char* key);
  /* Of an object (else reports that it must be one): the key of its member number `index`, or NULL
   * behind the last. For objects whose keys are data; each member has to be asked for as well. */
  const char* (*key)(const dmpm_value* object, size_t index);
  /* Of a list (else reports that it must be one): the element, or NULL behind the last. */
  const dmpm_value* (*element)(const dmpm_value* list, size_t index);

  int (*boolean)(const dmpm_value* value, int* out);
  int (*integer)(const dmpm_value* value, int64_t least, int64_t most, int64_t* out);
  /* A number of bytes, or text such as "64K", "512M", "2G". */
  int (*bytes)(const dmpm_value* value, uint64_t least, uint64_t most, uint64_t* out);
  /* `expected` is what a message says, as in: "user" must be `expected`, not 5. */
  int (*string)(const dmpm_value* value, const char* expected, const char** out);
  int (*absolute_path)(const dmpm_value* value, const char** out);
  /* A number as it is written ("1.5"), or what a string says. */
  int (*text)(const dmpm_value* value, const char* expected, const char** out);

  /* Reports: "KEY" must be `expected`, not WHAT STANDS THERE. */
  void (*wrong)(const dmpm_value* value, const char* expected);
  /* Reports a sentence of the module's own. */
  void (*error)(const dmpm_value* value, const char* sentence);

  /* Appends to what apply() will get. Equal settings must give equal bytes: a group whose bytes
   * changed gets new workers. */
  void (*emit)(const struct dmpm_reader* dmpm, const void* bytes, size_t size);
};

/* ---- apply ---- */

/* When, in order. What a module does not declare it is not called for. At one stage modules are
 * called in the order of their names. */
enum {
  /* As root, in the machine's root directory. */
  DMPM_BEFORE_ROOT = 1,
  /* As root, in the group's root directory. */
  DMPM_BEFORE_IDS = 2,
  /* As the group's user, with no_new_privs, in the worker's directory. Next comes the worker. */
  DMPM_AFTER_IDS = 4,
  /* In a process of its own, as root, when the worker's process has ended or could not be set up:
   * to clear away what is left. The worker's successor is not started before. */
  DMPM_ENDED = 8
};

struct dmpm_worker {
  uint32_t stage;       /* DMPM_BEFORE_ROOT, ... */
  uint32_t number;      /* the worker's, as in the log */
  pid_t pid;            /* the worker's, as in the log; at DMPM_ENDED of what has ended */
  uid_t uid;            /* what the worker runs as */
  gid_t gid;            /* likewise */
  const char* group;    /* the group's name: [A-Za-z0-9_-][A-Za-z0-9_.-]{0,63} */
  const char* root;     /* the group's root directory, seen from the machine's */
  const void* settings; /* what read() emitted */
  size_t settings_size;

  /* Says why apply() failed: "WHAT", or "WHAT: strerror(error)" unless `error` is 0. Returns -1, so
   * that `return worker->fail(worker, "mount /tmp", errno);` is all that is needed. */
  int (*fail)(const struct dmpm_worker* worker, const char* what, int error);
  /* To be called after unshare(CLONE_NEWPID), at DMPM_BEFORE_ROOT: when all modules had this stage,
   * the worker goes on as a process of the new namespace. dmpm stays outside with one process that
   * passes on signals and its end, and keeps one as the namespace's init; neither has rights, and
   * all of the namespace ends with the worker. */
  void (*enter_pid_namespace)(const struct dmpm_worker* worker);
};

/* ---- the module ---- */

struct dmpm_module {
  uint32_t abi;    /* DMPM_PERMISSION_MODULE_ABI */
  uint32_t stages; /* those that apply() is called for, or'ed */
  void (*read)(const struct dmpm_reader* dmpm);
  /* 0, or what fail() returned: then no worker is started. Its clients get an error 503 with an id,
   * and the log has the id and the reason. */
  int (*apply)(const struct dmpm_worker* worker);
};

/* What each module defines. */
__attribute__((visibility("default"))) extern const struct dmpm_module dmpm_permission_module;

#ifdef __cplusplus
}
#endif

#endif
