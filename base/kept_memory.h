// Memory that objects keep from one use to the next: as much as the next one probably needs, and not
// what the largest one needed.
#pragma once

#include <cstddef>

namespace dmpm {

// Empties a string or vector. It keeps its memory when that has room for no more than `kept` elements.
template <typename Container>
void clear_keeping(Container& container, size_t kept) {
  if (container.capacity() > kept) {
    Container().swap(container);
  } else {
    container.clear();
  }
}

}  // namespace dmpm
