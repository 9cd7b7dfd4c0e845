// NewFile: a file that is there with all of its content, or not at all, and takes nobody's place.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace dmpm::cli {

class NewFile {
 public:
  // Writes a hidden file beside `path`, which is not there yet as far as can be told.
  static Result<NewFile> write(const std::string& path, std::string_view content, mode_t mode);
  NewFile(NewFile&& other) noexcept
      : path_(std::move(other.path_)), draft_(std::exchange(other.draft_, {})) {}
  NewFile& operator=(NewFile&&) = delete;
  // What was not put in place is removed.
  ~NewFile();

  // Where it is until then.
  const std::string& draft() const { return draft_; }
  // Gives it its name. Fails when somebody else has that by now.
  dmpm::Status put_in_place();

 private:
  NewFile(std::string path, std::string draft) : path_(std::move(path)), draft_(std::move(draft)) {}
  std::string path_, draft_;
};

}  // namespace dmpm::cli
