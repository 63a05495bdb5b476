// weir: numbers the lines of standard input, with the buffer alone: no loop, no stream, its own reading and writing.
// SPDX-License-Identifier: MIT
#include <weir/base/report.h>
#include <weir/buffer/buffer_io.h>
#include <weir/buffer/line_reader.h>

int main() {
  weir::Buffer input, output;
  weir::LineReader lines(weir::LineEnd::lf);
  for (std::size_t number = 1;;) {
    const auto count = weir::read_from(0, input);
    if (!count && count.error() != weir::errc::eof) return weir::report(count.error());
    if (!count && !input.is_empty()) input.append("\n");  // a last line without an end is one too
    for (auto line = lines.next(input);; line = lines.next(input)) {
      if (!line) return weir::report(line.error());
      if (!*line) break;
      output.append_printf("%6zu  ", number++);
      output.append(std::move(**line));
      output.append("\n");
    }
    if (auto written = weir::write_all_to(1, output); !written) return weir::report(written.error());
    if (!count) return 0;
  }
}
