// OutputStaging: the buffer in which the output of one transport collects during a round.
//
// Shared by all of them, so that an idle connection has no output buffer. Before another transport
// stages something, the present owner's bytes are flushed.
#pragma once

#include <cstddef>
#include <string>

#include "proxy/limits.h"

namespace dmpm::net {

class StagingOwner {
 public:
  // Another transport needs the staging: send or keep what is in it.
  virtual void evict_staged() = 0;

 protected:
  ~StagingOwner() = default;
};

class OutputStaging {
 public:
  OutputStaging() {
    plain.reserve(limits::kTlsRecord);
    wire.reserve(2 * limits::kReadSize);
  }
  OutputStaging(const OutputStaging&) = delete;
  OutputStaging& operator=(const OutputStaging&) = delete;

  void claim(StagingOwner& owner) {
    if (owner_ == &owner) return;
    if (owner_ != nullptr) owner_->evict_staged();
    owner_ = &owner;
  }
  bool owned_by(const StagingOwner& owner) const { return owner_ == &owner; }
  // The owner has taken its bytes out.
  void release() {
    plain.clear();
    wire.clear();
    owner_ = nullptr;
  }

  std::string plain;  // not yet encrypted, less than one record
  std::string wire;   // as it will be sent

 private:
  StagingOwner* owner_ = nullptr;
};

}  // namespace dmpm::net
