#include "metrics/row_book.h"

#include <doctest/doctest.h>

#include <string>

#include "metrics/mapping.h"

using namespace dmpm::metrics;

namespace {
using Small = Table<HostRow, 4>;
}

TEST_CASE("a name has one row, and keeps it") {
  auto table = std::move(*Mapping<Small>::alone());
  RowBook book(*table);
  HostRow& a = book.of("a");
  HostRow& b = book.of("b");
  CHECK(&a != &b);
  CHECK(&book.of("a") == &a);
  CHECK(table->used.get() == 2);
  CHECK(a.key.get() == key_of("a"));
}

TEST_CASE("a successor finds the rows of the one before") {
  auto table = std::move(*Mapping<Small>::alone());
  RowBook(*table).of("a").responses[2].add(7);
  RowBook book(*table);
  CHECK(book.of("a").responses[2].get() == 7);
  CHECK(&book.of("b") == &table->rows[2]);
}

TEST_CASE("names beyond the table's room share row 0") {
  auto table = std::move(*Mapping<Small>::alone());
  RowBook book(*table);
  for (const char* name : {"a", "b", "c"}) CHECK(&book.of(name) != &book.none());
  CHECK(&book.of("d") == &book.none());
  CHECK(&book.of("e") == &book.none());
  CHECK(&book.of("c") == &table->rows[3]);
  CHECK(table->used.get() == 3);
}

TEST_CASE("a count of rows that cannot be is not believed") {
  auto table = std::move(*Mapping<Small>::alone());
  table->used.set(UINT64_MAX);
  RowBook book(*table);
  CHECK(&book.of("a") == &book.none());
}

TEST_CASE("each() comes to every row in use") {
  auto table = std::move(*Mapping<Small>::alone());
  RowBook book(*table);
  book.of("a");
  book.of("b");
  int rows = 0;
  book.each([&](HostRow&) { ++rows; });
  CHECK(rows == 3);  // with row 0
}
