// Linked into sanitized programs that run under mpirun, so that the reports at exit are made and are right.
#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {

// Of the leak checker: ends the process with its own exit code after a report. Absent under the thread sanitizer.
__attribute__((weak)) void __lsan_do_leak_check();

// The slow unwinder sees through Open MPI's frames, which the suppressions name; the fast one loses its way there.
const char* __asan_default_options();
const char* __asan_default_options() { return "fast_unwind_on_malloc=0"; }

// Libraries that Open MPI opened stay loaded: a report can still name them, and the suppressions beside this file match.
int dlclose(void* /*handle*/) noexcept { return 0; }

// A worker leaves by _exit, which would skip the search for leaks. A failed one holds what its failure interrupted.
void _exit(int code) {
  if (code == 0 && __lsan_do_leak_check != nullptr) __lsan_do_leak_check();
  syscall(SYS_exit_group, code);
  __builtin_unreachable();
}

}  // extern "C"
