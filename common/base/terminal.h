// Terminal capabilities of stdout and stderr: whether a line can be rewritten in place, size, colour.
#pragma once

namespace deit {

// True when lines written to `fd` (stdout or stderr) can be rewritten in place: it shows on a terminal, TERM is set and not "dumb".
// Open MPI gives its workers a pseudo-terminal as stdout and a pipe as stderr whatever its own are; so under mpirun that process's
// stream must be a terminal, and be on this host.
bool CanRewriteLines(int fd);

// Columns: COLUMNS if that is a positive number, else the terminal's width (mpirun's own for its workers), else 80. Queried at
// each call, because windows are resized.
int TerminalWidth(int fd);

// Lines, like TerminalWidth: LINES, else the terminal's, else 24.
int TerminalHeight(int fd);

// True when colour is welcome: CanRewriteLines(fd), and NO_COLOR (https://no-color.org) is unset or empty.
bool CanShowColor(int fd);

}  // namespace deit
