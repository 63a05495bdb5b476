// weir: a message whose length, told in front of it, is known last; written and read back with the buffer alone.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <string_view>

#include "weir/buffer/draft.h"
#include "weir/buffer/frame_reader.h"

namespace {

/// Readers of `out` see nothing of the message until `commit`, and nothing at all should this function throw before.
void append_message(weir::Buffer& out, std::uint16_t type, weir::Buffer body) {
  weir::Draft draft = out.draft();
  const weir::MutableBytes length = draft.allocate(4);  // its address stays until commit
  draft.append_big_endian(type);
  draft.append(std::move(body));  // by reference
  weir::store_big_endian(length, weir::checked_u32(draft.size() - length.size()));
  draft.commit();
}

}  // namespace

int main() {
  weir::Buffer wire;
  for (const std::string_view text : {"first", "second", ""}) {
    weir::Buffer body;
    body.append(text);
    append_message(wire, 7, std::move(body));
  }

  const weir::LengthReader reader({.bytes = 4, .limit = 1 << 20});
  int messages = 0;
  for (auto message = reader.next(wire); message && *message; message = reader.next(wire)) {
    std::printf("message of %zu bytes\n", (*message)->size());
    ++messages;
  }
  return messages == 3 && wire.is_empty() ? 0 : 1;
}
