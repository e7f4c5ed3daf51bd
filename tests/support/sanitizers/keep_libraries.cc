// Linked into sanitized tests that run under mpirun: libraries that Open MPI opens stay loaded, so that reports at exit can
// still name them and the suppressions beside this file match.
extern "C" int dlclose(void* handle);
extern "C" int dlclose(void* /*handle*/) { return 0; }
