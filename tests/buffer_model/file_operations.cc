// weir: the model's operations with parts of a file, and with descriptors that are read from and written to.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <string>

#include "tests/buffer_model/machine.h"
#include "weir/buffer/buffer_io.h"
#include "weir/buffer/file_range.h"
#include "weir/sys/kernel.h"

namespace weir::buffer_model {
namespace {

/// Mostly a part that the file has, sometimes one that it has only in part, or that nobody has.
FileRange some_range(Machine& m) {
  const std::size_t kind = m.below(16);
  const std::size_t size = m.size();
  const std::size_t offset = m.below(file_text().size() + 1);
  const std::size_t claimed = some_claim(m.choices(), FileRange::max_end);
  const std::size_t count = kind == 15   ? std::min<std::size_t>(claimed, FileRange::max_end - offset)
                            : kind == 14 ? size
                                         : std::min(size, file_text().size() - offset);
  return m.file().range(offset, count);
}

void append_file(Machine& m) {
  Subject& to = m.subject(Need::back);
  FileRange range = some_range(m);
  const FileRange copy = range;
  const bool is_moved = m.coin();
  const bool overflows = range.size() > Buffer::max_size - to.content.size();
  const bool done = m.attempt([&] { is_moved ? to.buffer.append(std::move(range)) : to.buffer.append(range); },
                              {{.subject = &to, .added = copy.size()}}, overflows);
  m.check(range == (done && is_moved ? FileRange() : copy), "the range is not as promised");  // NOLINT
  if (done) to.content.append_file(copy.offset(), copy.size());
}

void draft_append_file(Machine& m) {
  OpenDraft* draft = m.draft();
  const FileRange range = some_range(m);
  if (draft == nullptr || range.size() > Buffer::max_size - draft->content.size()) return;
  if (m.attempt([&] { draft->draft.append(range); }, {{.subject = draft->subject}}))
    draft->content.append_file(range.offset(), range.size());
}

/// What the buffer has read meanwhile is text in the model too. Only what the file has can have been read.
void take_over_what_was_read(Machine& m, Subject& of, std::size_t before) {
  const std::size_t after = of.buffer.memory_size();
  m.check(after >= before && after <= of.content.size(), "there is less in memory than before");
  if (!m.has_failed()) of.content.read_file(after);
  m.check_content(of.buffer, of.content);
}

void materialize(Machine& m) {
  Subject& of = m.subject();
  const std::size_t before = of.content.head().size();
  const std::size_t count = std::min(of.content.size(), before + m.size());
  if (!of.content.is_safe()) return;
  const Content wanted = of.content.part(0, count);
  m.kernel().begin(m.choices(), {});
  std::error_code error;
  (void)m.attempt(
      [&] {
        const sys::ScopedKernel kernel(m.kernel());
        if (const Result<void> read = of.buffer.materialize(count); !read) error = read.error();
      },
      {{.subject = &of}});
  m.check(error || of.buffer.memory_size() >= count || !wanted.is_safe(), "less was read than told");
  take_over_what_was_read(m, of, before);
}

void look_at_front_file(Machine& m) {
  Subject& of = m.subject();
  const std::optional<FileRange> file = of.buffer.front_file();
  const bool is_file = of.content.has(Content::Kind::file) && of.content.head().empty() && of.content.is_safe();
  m.check(file.has_value() == is_file, "there is a part of the file in front, or none");
  if (!of.content.is_safe()) return;
  m.check(of.buffer.memory_size() == of.content.head().size(), "more or less is in memory");
  m.check(of.buffer.front().size() <= of.content.head().size(), "a front beyond what is in memory");
}

void read_from_descriptor(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view incoming = m.text();
  const std::size_t most = m.coin() ? m.size() : usual_read_bytes;
  if (most > Buffer::max_size - to.content.size()) return;
  m.kernel().begin(m.choices(), incoming);
  const std::size_t before = to.content.size();
  std::size_t count = 0;
  std::error_code error;
  const bool done = m.attempt(
      [&] {
        const sys::ScopedKernel kernel(m.kernel());
        const Result<std::size_t> read = read_from(ModelKernel::stream, to.buffer, most);
        read ? count = *read : (error = read.error(), 0);
      },
      {});
  if (done && !error) {
    m.check(count == m.kernel().received() && count <= most, "another number of bytes came");
    m.check(count != 0 || most == 0, "nothing came, and it was no end");
    to.content.append(incoming.substr(0, count));
    to.changes(count, 0);
  }
  m.check(error != errc::eof || incoming.empty(), "an end that is none");
  m.check(to.buffer.size() == before + count + to.unsettled(), "another number of bytes");
  m.check_content(to.buffer, to.content);
}

/// Once, or until there is nothing left.
void write_to_descriptor(Machine& m) {
  Subject& from = m.subject(Need::front);
  const bool writes_all = m.rarely(4);
  const std::size_t most = m.coin() ? m.size() : unlimited;
  if (from.content.has(Content::Kind::claimed) || from.content.size() > 4 * longest_text) return;
  const std::size_t before = from.content.size();
  m.kernel().begin(m.choices(), {});
  std::size_t count = 0;
  std::error_code error;
  (void)m.attempt(
      [&] {
        const sys::ScopedKernel kernel(m.kernel());
        if (writes_all) {
          if (const Result<void> all = write_all_to(ModelKernel::stream, from.buffer); !all) error = all.error();
        } else {
          const Result<std::size_t> written = write_to(ModelKernel::stream, from.buffer, most);
          written ? count = *written : (error = written.error(), 0);
        }
      },
      {});
  const std::string& written = m.kernel().written();
  m.check(writes_all || error || count == written.size(), "another number of bytes was written than told");
  m.check(writes_all || written.size() <= most, "more was written than asked for");
  // What followers have appended may have been written as well.
  if (writes_all) from.settle();
  m.check(written.size() <= from.content.size(), "more was written than there was");
  if (m.has_failed()) return;
  Content expected = from.content.take(written.size());
  expected.read_file(expected.size());
  m.check(expected.head() == written, "other bytes were written");
  m.check(!writes_all || error || from.content.is_empty(), "not all was written");
  from.changes(0, written.size());
  m.check(before >= written.size() || writes_all, "more was written than there was");
  from.settle();
  take_over_what_was_read(m, from, from.content.head().size());
}

constexpr std::array operations{
    Operation{"append_file", 2, append_file},
    Operation{"draft_append_file", 1, draft_append_file},
    Operation{"materialize", 2, materialize},
    Operation{"look_at_front_file", 1, look_at_front_file},
    Operation{"read_from_descriptor", 2, read_from_descriptor},
    Operation{"write_to_descriptor", 2, write_to_descriptor},
};

}  // namespace

std::span<const Operation> file_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
