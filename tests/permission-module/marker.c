/* A permission module as a third party would write it: in C, outside of dmpm's tree, with nothing
 * but the header. The tests compile it with `cc -I DIRECTORY`, where DIRECTORY has a copy of that
 * header and nothing else.
 *
 *     "marker": { "directory": "/var/tmp/x", "fail_at": "before_ids" }
 *
 * At each stage it appends a line to DIRECTORY/STAGE that says what it was given. fail_at: the name
 * of a stage at which it fails. keep_capabilities: it leaves root's capabilities to the worker,
 * which dmpm has to notice. */
#include "permission_module.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct settings {
  uint32_t fail_at; /* a stage, or 0 */
  int keep_capabilities;
  char directory[200];
};

static const struct {
  uint32_t stage;
  const char* name;
} stages[] = {{DMPM_BEFORE_ROOT, "before_root"},
              {DMPM_BEFORE_IDS, "before_ids"},
              {DMPM_AFTER_IDS, "after_ids"},
              {DMPM_ENDED, "ended"}};

static void read_settings(const struct dmpm_reader* dmpm) {
  struct settings settings;
  const dmpm_value* fail_at = dmpm->member(dmpm->settings, "fail_at");
  const dmpm_value* path = dmpm->member(dmpm->settings, "directory");
  const char* text = NULL;
  memset(&settings, 0, sizeof settings);
  if (dmpm->string(fail_at, "the name of a stage", &text)) {
    for (size_t i = 0; i < sizeof stages / sizeof *stages; ++i) {
      if (strcmp(text, stages[i].name) == 0) settings.fail_at = stages[i].stage;
    }
    if (settings.fail_at == 0) dmpm->wrong(fail_at, "the name of a stage");
  }
  dmpm->boolean(dmpm->member(dmpm->settings, "keep_capabilities"), &settings.keep_capabilities);
  if (path == NULL) dmpm->error(dmpm->settings, "the marker needs a \"directory\"");
  if (dmpm->absolute_path(path, &text)) {
    if (strlen(text) < sizeof settings.directory) {
      strcpy(settings.directory, text);
    } else {
      dmpm->error(path, "this is too long for the marker");
    }
  }
  dmpm->emit(dmpm, &settings, sizeof settings);
}

static int write_line(const struct dmpm_worker* worker, const char* directory, const char* name) {
  char path[300];
  FILE* file;
  snprintf(path, sizeof path, "%s/%s", directory, name);
  file = fopen(path, "a");
  if (file == NULL) return worker->fail(worker, path, errno);
  fprintf(file, "group=%s number=%u pid=%d self=%d euid=%d uid=%d gid=%d root=%s\n", worker->group,
          (unsigned)worker->number, (int)worker->pid, (int)getpid(), (int)geteuid(),
          (int)worker->uid, (int)worker->gid, worker->root);
  return fclose(file) == 0 ? 0 : worker->fail(worker, path, errno);
}

static int apply(const struct dmpm_worker* worker) {
  struct settings settings;
  const char* name = "?";
  memcpy(&settings, worker->settings, sizeof settings);
  for (size_t i = 0; i < sizeof stages / sizeof *stages; ++i) {
    if (stages[i].stage == worker->stage) name = stages[i].name;
  }
  if (settings.fail_at == worker->stage) {
    char why[64];
    snprintf(why, sizeof why, "told to fail at %s", name);
    return worker->fail(worker, why, EXDEV);
  }
  if (settings.keep_capabilities && worker->stage == DMPM_BEFORE_IDS) {
    if (prctl(PR_SET_KEEPCAPS, 1L) != 0) return worker->fail(worker, "prctl", errno);
  }
  return write_line(worker, settings.directory, name);
}

const struct dmpm_module dmpm_permission_module = {
    DMPM_PERMISSION_MODULE_ABI, DMPM_BEFORE_ROOT | DMPM_BEFORE_IDS | DMPM_AFTER_IDS | DMPM_ENDED,
    read_settings, apply};
