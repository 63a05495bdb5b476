// weir: a stream over pipes, a terminal, a device or files.
// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include <cerrno>

#include "weir/stream/descriptor_stream.h"
#include "weir/stream/pipe_mode.h"
#include "weir/stream/stream_state.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

/// Over one descriptor or two. Where there is only one, it is the slot's own; of two, that is
/// the one to read from.
class PipeStream final : public DescriptorStream {
 public:
  PipeStream(EventLoop& loop, StreamSettings settings) : DescriptorStream(loop, std::move(settings)) {
    is_no_connection();
  }

  Result<void> open(PipeEnds ends) {
    expects(ends.reader || ends.writer);
    expects(ends.reader.number() != ends.writer.number());
    if (!ends.reader) {
      has_no_reader();
      return open_one(std::move(ends.writer));
    }
    if (!ends.writer) {
      has_no_writer();
      return open_one(std::move(ends.reader));
    }
    return open_two(std::move(ends));
  }

  Result<void> open_one(sys::Descriptor descriptor) {
    if (auto prepared = mode_.prepare(descriptor); !prepared) return prepared;
    use_file_calls(!mode_.is_socket(), !mode_.is_socket());
    if (auto attached = attach(std::move(descriptor)); !attached) return attached;
    connection_stands();
    return {};
  }

 private:
  Result<void> open_two(PipeEnds ends) {
    if (auto prepared = mode_.prepare(ends.reader); !prepared) return prepared;
    if (auto prepared = writer_mode_.prepare(ends.writer); !prepared) return prepared;
    use_file_calls(!mode_.is_socket(), !writer_mode_.is_socket());
    if (auto attached = attach(std::move(ends.reader)); !attached) return attached;
    if (auto attached = backend().attach_writer(*this, std::move(ends.writer)); !attached) return attached;
    if (auto applied = writer_mode_.apply(writer().number()); !applied) return applied;
    connection_stands();
    return {};
  }

  /// Its mode is changed last, when nothing can go wrong any more without its being restored.
  Result<void> attach(sys::Descriptor descriptor) {
    if (auto attached = backend().attach(*this, std::move(descriptor)); !attached) return attached;
    return mode_.apply(this->descriptor());
  }

  void receive_ended(std::error_code error) override {
    const bool is_hang_up = error == std::errc::io_error && mode_.is_terminal();
    StreamCore::receive_ended(is_hang_up ? std::error_code() : error);
  }

  Result<void> send_end() override {
    const PipeMode& mode = writer() ? writer_mode_ : mode_;
    const int number = writer() ? writer().number() : descriptor();
    const bool must_tell = mode.is_socket() && !loop().is_inherited();
    const Result<void> sent = must_tell ? sys::shutdown(number, SHUT_WR).to_result() : Result<void>();
    close_writer();
    return sent;
  }

  void close_writer() noexcept {
    sys::Descriptor closing = backend().detach_writer(*this);
    if (!closing) return;
    if (!loop().is_inherited()) writer_mode_.restore(closing.number());
    closing.reset();
    loop().descriptor_freed();
  }

  void close_transport(bool) noexcept override {
    close_writer();
    if (!is_attached()) return;
    sys::Descriptor closing = backend().detach(*this);
    if (!loop().is_inherited()) mode_.restore(closing.number());
    closing.reset();
    loop().descriptor_freed();
  }

  Result<Address> transport_address(bool of_peer) const override {
    sys::SocketName name;
    const sys::CallResult asked = of_peer ? sys::peer_name(descriptor(), name) : sys::local_name(descriptor(), name);
    if (!asked) return asked.error();
    return Address(name);
  }

  PipeMode mode_;
  PipeMode writer_mode_;
};

template <class Open>
Result<std::unique_ptr<Stream>> opened(EventLoop& loop, StreamSettings settings, Open open) {
  auto* stream = new PipeStream(loop, std::move(settings));
  std::unique_ptr<Stream> owned(stream);
  if (const Result<void> done = open(*stream); !done) {
    stream->abort();
    return done.error();
  }
  return owned;
}

}  // namespace

Result<std::unique_ptr<Stream>> Stream::adopt_pipe(EventLoop& loop, PipeEnds ends, StreamSettings settings) {
  return opened(loop, std::move(settings), [&](PipeStream& stream) { return stream.open(std::move(ends)); });
}

Result<std::unique_ptr<Stream>> Stream::adopt_pipe(EventLoop& loop, sys::Descriptor descriptor,
                                                   StreamSettings settings) {
  const sys::CallResult flags = sys::status_flags(descriptor.number());
  if (!flags) return flags.error();
  PipeEnds ends;
  switch (flags.number() & O_ACCMODE) {
    case O_RDONLY: ends.reader = std::move(descriptor); break;
    case O_WRONLY: ends.writer = std::move(descriptor); break;
    default:
      return opened(loop, std::move(settings),
                    [&](PipeStream& stream) { return stream.open_one(std::move(descriptor)); });
  }
  return adopt_pipe(loop, std::move(ends), std::move(settings));
}

Result<PipeEnds> PipeEnds::standard() {
  PipeEnds ends;
  for (auto [number, end] : {std::pair{0, &ends.reader}, std::pair{1, &ends.writer}}) {
    const sys::CallResult duplicate = sys::duplicate(number);
    if (!duplicate) return duplicate.error();
    end->reset(duplicate.number());
  }
  return ends;
}

}  // namespace weir
