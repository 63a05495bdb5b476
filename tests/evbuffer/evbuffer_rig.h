// weir: the same operations on buffers and on libevent's evbuffers.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "tests/buffer_model/material.h"
#include "tests/buffer_model/rig.h"
#include "tests/evbuffer/twin.h"

namespace weir::evbuffer_test {

using buffer_model::Choices;

/// Three twins, on which the operations that both libraries have are done alike. After each, bytes, lengths, what was
/// answered, and what observers were told of must agree.
///
/// Where they are meant to differ, this is how, and the operations here see to it:
///
///     asked for                        evbuffer                         Buffer
///     -------------------------------  -------------------------------  -----------------------------------------------
///     more bytes than there are, of    takes what there is              a programmer error: sizes are for callers to
///     drain, remove, remove_buffer                                      know
///     pullup of more than there is     NULL                             a programmer error
///     pullup(-1)                       everything                       contiguous(size())
///     readln, EOL_ANY, when a run of   an empty line first              the next line that is not empty
///     line ends comes first
///     peek                             whole segments, and how many     at most the bytes asked for
///                                      it would have taken
///     an operation at a frozen end     -1                               a programmer error; is_front_frozen() and
///                                                                       is_back_frozen() tell
///     copyout of a frozen front        -1                               copy_to copies: nothing is changed
///     add_reference of nothing         cleanup when the chain goes      release at once
///     add_reference of up to 1 KiB     kept by reference                copied, and released at once
///     add_buffer_reference to itself,  -1                               share() of any content, by any buffer
///     or of what is itself shared
///     add_buffer_reference to an       2.1.12 may go on with freed      the same as to any other
///     empty buffer                     memory
///     what shares its memory, moved    it holds itself, and is never    nobody holds a buffer, only memory
///     back into it                     freed
///     pullup of what shares memory     writes over the other's bytes    copies: nobody writes to what others view
///     a file's segment                 read when it is added, unless    read when asked for: materialize(n), or on its
///                                      sendfile is possible             way out
///     commit of a second extent        commit_space with two            Draft: allocate_up_to twice, truncate, commit
///     add_iovec of nothing             2.1.12 may end the process       append_pieces does nothing
///     PTR_ADD beyond the end           -1, and the place is lost        Cursor::skip is false, and the cursor stays
///     callbacks that are deferred      come in a turn of the loop       come when the ChangeScope ends
///     no memory, or too much           -1                               std::bad_alloc, or an error of reserve
class EvbufferRig final : public buffer_model::Rig {
 public:
  EvbufferRig();

  std::size_t pick(Choices& choices) override;
  void run(std::size_t operation, Choices& choices) override;
  void finish() override;

  Choices& choices() noexcept { return *choices_; }
  std::size_t below(std::size_t limit) { return choices_->below(limit); }
  bool coin() { return choices_->coin(); }
  bool rarely(std::size_t count) { return choices_->rarely(count); }
  std::string_view text() { return buffer_model::some_text(*choices_, buffer_model::some_size(*choices_)); }
  Twin& twin() { return *twins_[below(twins_.size())]; }

  /// A count that the content may be shorter than.
  std::size_t some_count(const Twin& twin) {
    return coin() ? below(twin.text.size() + 2) : buffer_model::some_size(*choices_);
  }

  /// Checks that the evbuffer has refused, as it must, an operation at a frozen end of `twin`; true if it was frozen.
  bool is_refused(bool is_frozen, int answer);

  /// True when `to` would come to hold itself if its evbuffer took over what `from` has, or shared it.
  bool would_hold_itself(const Twin& to, const Twin& from) const;
  unsigned bit_of(const Twin& twin) const;
  /// True when the evbuffer's memory may be another's as well.
  bool shares_memory(const Twin& twin) const;

  /// Memory lent to both sides; each counts its release.
  struct Lent {
    std::vector<std::byte> memory;
    int released = 0;
    int other_released = 0;
  };
  Lent& lend(std::string_view text);

  int file() const noexcept { return file_; }
  /// Has all be told of what they are told once for many changes; one turn of the loop is for all evbuffers.
  void tell();

 private:
  Choices* choices_ = nullptr;
  int file_;
  std::size_t steps_ = 0;
  std::unique_ptr<event_base, decltype(&event_base_free)> loop_{nullptr, event_base_free};  ///< null: nobody needs it
  std::vector<std::unique_ptr<Lent>> lent_;
  std::vector<std::unique_ptr<Twin>> twins_;
};

struct Operation {
  std::string_view name;
  unsigned weight;
  void (*run)(EvbufferRig& rig);
};

std::span<const Operation> changing_operations() noexcept;
std::span<const Operation> looking_operations() noexcept;

const buffer_model::Alphabet& evbuffer_alphabet();

}  // namespace weir::evbuffer_test
