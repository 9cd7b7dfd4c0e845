// SessionMemory: gives nghttp2's sessions their memory, and the two large blocks of each on pages of its
// own, which an idle connection gives back to the system.
//
// nghttp2 1.52 has these two as long as a session lives: the buffer in which it makes a frame (16 KiB)
// and the table of streams (4 KiB). From malloc() they would mostly lie where a handshake's buffers were,
// on pages that are all in memory.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace dmpm::http2 {

// Pages for sessions: a slot each, with a part for the table and one for the frame. Slots stay mapped,
// and all but some of those that nobody has are given back.
class SessionSlots {
 public:
  static constexpr size_t kTable = 4096;
  static constexpr size_t kFrame = 16 * 1024 + 10;  // NGHTTP2_FRAMEBUF_CHUNKLEN

  SessionSlots();
  // Whole pages; the table's come first.
  size_t table_size() const { return table_size_; }
  size_t frame_size() const { return frame_size_; }
  // Null when memory is short.
  char* take();
  void give_back(char* slot);

 private:
  static constexpr size_t kMapped = 64;  // slots at once
  static constexpr size_t kWarm =
      64;  // free ones that keep their pages: a new connection's are touched

  const size_t table_size_;
  const size_t frame_size_;
  std::vector<char*> free_;
};

// One session's. The session ends before it.
class SessionMemory {
 public:
  // `slots` outlives it.
  explicit SessionMemory(SessionSlots& slots);
  ~SessionMemory();
  SessionMemory(const SessionMemory&) = delete;
  SessionMemory& operator=(const SessionMemory&) = delete;

  // For nghttp2_session_server_new3(), which copies them.
  nghttp2_mem functions();
  // The session has no stream, and nothing to send: what its frame was made in means nothing any more.
  // Its table goes as well if it is empty, that is zeros, as new pages are.
  void give_back_pages();

 private:
  static void* on_malloc(size_t size, void* self);
  static void* on_calloc(size_t count, size_t size, void* self);
  static void* on_realloc(void* block, size_t size, void* self);
  static void on_free(void* block, void* self);

  // The part of the slot that a block of this size belongs on, if it is still to be had; or null.
  void* part_for(size_t size) {
    if (size == SessionSlots::kTable && !std::exchange(table_given_, true)) return table_;
    if (size == SessionSlots::kFrame && !std::exchange(frame_given_, true)) return frame_;
    return nullptr;
  }
  bool is_part(const void* block) const { return block == table_ || block == frame_; }

  SessionSlots& slots_;
  // The parts of the slot; null when there was no memory for one.
  char* const table_;
  char* const frame_;
  bool table_given_ = false;  // once: which block it is must be certain
  bool frame_given_ = false;
};

}  // namespace dmpm::http2
