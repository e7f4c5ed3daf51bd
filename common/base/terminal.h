// What stands at the other end of a stream: decides whether a line may be rewritten and how wide it may be.
#pragma once

namespace deit {

// True when lines written to `fd` can be rewritten in place: it is a terminal, TERM is set and not "dumb". mpirun gives its workers a
// pseudo-terminal whatever its own output is, so under mpirun its own stdout must be a terminal too (and be on this host).
bool CanRewriteLines(int fd);

// Columns: COLUMNS if that is a positive number, else the terminal's width (mpirun's own for its workers), else 80. Asked anew at
// each call, because windows are resized.
int TerminalWidth(int fd);

}  // namespace deit
