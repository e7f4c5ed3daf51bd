# DEIT_SANITIZE instruments every target; the environment that a sanitized test runs in stands here too.
# Included before the first target, because it sets folder-wide options. Suppressions: tests/support/sanitizers/, each with its reason.
set(DEIT_TEST_ENVIRONMENT
  # Tests start more workers than there are cores, also as root in a container, and stay off the network.
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
  OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
  "DEIT_STATE_DIR=${PROJECT_BINARY_DIR}/test-state")  # never the user's own
set(suppressions "${PROJECT_SOURCE_DIR}/tests/support/sanitizers")

if(DEIT_SANITIZE STREQUAL "address")
  set(sanitizer_flags -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  list(APPEND DEIT_TEST_ENVIRONMENT
    LSAN_OPTIONS=suppressions=${suppressions}/leak.txt:print_suppressions=0 UBSAN_OPTIONS=print_stacktrace=1)
  if(DEIT_BUILD_TORCH)
    # The stacks that tell Open MPI's leaks from ours cost each start 5 s with LibTorch; the trees without it look for leaks.
    # A library that a test preloads may come before the sanitizer.
    list(APPEND DEIT_TEST_ENVIRONMENT ASAN_OPTIONS=fast_unwind_on_malloc=1:detect_leaks=0:verify_asan_link_order=0)
  endif()
elseif(DEIT_SANITIZE STREQUAL "thread")
  # Asio has fences, of which this sanitizer knows nothing; what they guard is guarded by mutexes too.
  set(sanitizer_flags -fsanitize=thread -Wno-tsan)
  list(APPEND DEIT_TEST_ENVIRONMENT
    TSAN_OPTIONS=suppressions=${suppressions}/thread.txt:ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1)
elseif(DEIT_SANITIZE STREQUAL "fuzzer")
  # libFuzzer comes with clang; tests/fuzz links it to its targets.
  set(sanitizer_flags -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined)
  list(APPEND DEIT_TEST_ENVIRONMENT UBSAN_OPTIONS=print_stacktrace=1)
elseif(DEIT_SANITIZE)
  message(FATAL_ERROR "DEIT_SANITIZE: ${DEIT_SANITIZE}: not known; use address, thread or fuzzer, or leave it empty.")
endif()

if(DEIT_SANITIZE)
  if(DEIT_BUILD_TORCH)
    message(STATUS "DEIT_SANITIZE with LibTorch: slow, and LibTorch itself is not instrumented; the sanitizer presets leave it out")
  endif()
  add_compile_options(${sanitizer_flags} -fno-omit-frame-pointer)
  add_link_options(${sanitizer_flags})
endif()
