// The corpus: cases of raw HTTP in text files (tests/proxy/corpus/README.md gives their syntax).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dmpm::test {

// A keyword at the beginning of a line, its arguments, and the bytes of the indented lines below
// it.
struct CorpusSection {
  std::string keyword;
  std::vector<std::string> arguments;
  std::string bytes;
  bool has_bytes = false;
};

struct CorpusCase {
  std::string name;
  std::string place;  // file:line
  std::vector<CorpusSection> sections;

  // The first section of that keyword, or null.
  const CorpusSection* find(std::string_view keyword) const;
  // Its bytes; throws when it is missing.
  const std::string& bytes(std::string_view keyword) const;
};

// All cases of the files in corpus/`folder`, in a stable order. Throws std::runtime_error with
// file:line for what is malformed: no file may hold a case that is silently not run.
std::vector<CorpusCase> load_corpus(std::string_view folder,
                                    const std::vector<std::string>& keywords);

// How the bytes of a case are handed over: whole, byte by byte, and at random places.
struct Split {
  std::string name;  // says the seed
  std::vector<std::string> pieces;
};
std::vector<Split> splits_of(std::string_view bytes, unsigned number_of_case);

// For messages: `bytes` with its line ends shown and kept, everything else unprintable escaped.
std::string show(std::string_view bytes);

}  // namespace dmpm::test
