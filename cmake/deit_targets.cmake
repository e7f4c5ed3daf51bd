# The only ways to make a target: deit_library, deit_program, deit_test. They give every target the same warnings and see to it
# that each header compiles alone and that a test which runs no case fails.
#
# CMAKE_UNITY_BUILD, the default and what the preset release has, compiles the sources of a library in groups, which takes a quarter of the time: the
# headers of Abseil, protobuf and LibTorch are read once for each group. It changes no result. The presets for development (debug, asan, asan-worker,
# tsan, fuzz) compile each source alone. Only there a source that lacks an include fails, so .ci/run builds both kinds of tree.
# Sources with compile options or definitions of their own are never merged (CMake sees to it), others with SKIP_UNITY_BUILD_INCLUSION.
add_library(deit_options INTERFACE)
target_compile_options(deit_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wcast-qual -Wvla -Wextra-semi $<$<CXX_COMPILER_ID:GNU>:-Werror>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety> $<$<CXX_COMPILER_ID:Clang>:-Werror=thread-safety>)  # common/base/mutex.h
target_include_directories(deit_options INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")

add_custom_target(deit_headers COMMENT "Every header compiles alone")

# deit_library(NAME folder_name [SOURCES ...] [DEPS ...])  ->  target deit_NAME, alias deit::NAME
function(deit_library)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "" "NAME" "SOURCES;DEPS")
  deit_expect_no_rest("deit_library ${ARG_NAME}" "${ARG_UNPARSED_ARGUMENTS}")
  set(library deit_${ARG_NAME})
  if(ARG_SOURCES)
    add_library(${library} STATIC ${ARG_SOURCES})
    target_link_libraries(${library} PUBLIC ${ARG_DEPS} PRIVATE deit_options)
    target_include_directories(${library} PUBLIC "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")
    deit_set_unity_groups(${library} ${ARG_SOURCES})
  else()
    add_library(${library} INTERFACE)
    target_link_libraries(${library} INTERFACE ${ARG_DEPS})
    target_include_directories(${library} INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")
  endif()
  add_library(deit::${ARG_NAME} ALIAS ${library})

  get_property(libraries DIRECTORY PROPERTY DEIT_LIBRARIES)
  if(NOT libraries)
    cmake_language(DEFER CALL deit_compile_headers_alone)
  endif()
  set_property(DIRECTORY APPEND PROPERTY DEIT_LIBRARIES ${library})
endfunction()

# Groups of equal size and at most 12 sources: one more that is smaller would read the headers again for little.
function(deit_set_unity_groups LIBRARY)
  set(sources ${ARGN})
  list(LENGTH sources count)
  math(EXPR groups "(${count} + 11) / 12")
  math(EXPR size "(${count} + ${groups} - 1) / ${groups}")
  set_target_properties(${LIBRARY} PROPERTIES UNITY_BUILD_BATCH_SIZE ${size})
endfunction()

# Runs at the end of each folder that has a library. x.cc includes x.h first (tests/checks/everything_is_compiled.py sees to it), so
# compiling x.cc proves that x.h stands alone; a header without such a source gets a translation unit of its own. That keeps
# headers with LibTorch in them from being parsed twice (5 s each).
function(deit_compile_headers_alone)
  file(GLOB headers CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}/*.h")
  file(RELATIVE_PATH folder "${PROJECT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  set(units)
  foreach(header IN LISTS headers)
    get_filename_component(stem "${header}" NAME_WLE)
    if(NOT DEIT_BUILD_TORCH)
      file(STRINGS "${CMAKE_CURRENT_SOURCE_DIR}/${header}" needs_torch REGEX "^#include <(ATen|torch|c10)/")
      if(needs_torch)
        continue()
      endif()
    endif()
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${stem}.cc")
      set(unit "${PROJECT_BINARY_DIR}/headers/${folder}/${header}.cc")
      file(CONFIGURE OUTPUT "${unit}" CONTENT "#include \"${folder}/${header}\"\n")
      list(APPEND units "${unit}")
    endif()
  endforeach()
  if(units)
    string(REPLACE "/" "_" name "${folder}")
    get_property(libraries DIRECTORY PROPERTY DEIT_LIBRARIES)
    add_library(deit_headers_${name} OBJECT ${units})
    target_link_libraries(deit_headers_${name} PRIVATE ${libraries} deit_options)
    add_dependencies(deit_headers deit_headers_${name})
  endif()
endfunction()

# deit_program(NAME deit-x SOURCES ... [DEPS ...])  ->  bin/deit-x
function(deit_program)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "" "NAME" "SOURCES;DEPS")
  deit_expect_no_rest("deit_program ${ARG_NAME}" "${ARG_UNPARSED_ARGUMENTS}")
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} deit_options)
endfunction()

add_custom_target(deit_thread_tests COMMENT "Tests with threads, for the thread sanitizer")

# deit_test(NAME x_test [SOURCES ...] [DEPS ...] [ARGS ...] [LABELS ...] [TIMEOUT seconds] [PROCESSORS n] [WORKERS n ...])
# The source defaults to x_test.cc beside the CMakeLists.txt; the test's name is its path below tests/. With WORKERS it is run under
# mpirun once for each number, as x_test.2workers. LABELS slow keeps it out of launch/test.sh unless asked for; LABELS threads has
# slow/tsan build and run it under the thread sanitizer too.
function(deit_test)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "" "NAME;TIMEOUT;PROCESSORS" "SOURCES;DEPS;ARGS;LABELS;WORKERS")
  deit_expect_no_rest("deit_test ${ARG_NAME}" "${ARG_UNPARSED_ARGUMENTS}")
  if(NOT ARG_SOURCES)
    set(ARG_SOURCES ${ARG_NAME}.cc)
  endif()
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} deit_test_main deit_options)
  target_compile_options(${ARG_NAME} PRIVATE $<$<CONFIG:Release>:-O1>)  # a sixth less of compiling; what is tested keeps its own
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")

  if("threads" IN_LIST ARG_LABELS)
    add_dependencies(deit_thread_tests ${ARG_NAME})
  endif()

  file(RELATIVE_PATH folder "${PROJECT_SOURCE_DIR}/tests" "${CMAKE_CURRENT_SOURCE_DIR}")
  set(name ${folder}/${ARG_NAME})
  if(NOT ARG_WORKERS)
    add_test(NAME ${name} COMMAND ${ARG_NAME} ${ARG_ARGS})
    deit_set_test_properties(${name} 1)
    return()
  endif()
  target_link_libraries(${ARG_NAME} PRIVATE deit_test_mpi)
  foreach(workers IN LISTS ARG_WORKERS)
    add_test(NAME ${name}.${workers}workers
      COMMAND "${MPIEXEC_EXECUTABLE}" ${MPIEXEC_NUMPROC_FLAG} ${workers} $<TARGET_FILE:${ARG_NAME}> ${ARG_ARGS})
    deit_set_test_properties(${name}.${workers}workers ${workers})
  endforeach()
endfunction()

# Uses deit_test's arguments. A test that finds no case to run fails; one that skips a case (tests/support/test_main.cc) is shown as skipped.
function(deit_set_test_properties NAME PROCESSORS)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(NOT ARG_PROCESSORS)
    set(ARG_PROCESSORS ${PROCESSORS})
  endif()
  set_tests_properties(${NAME} PROPERTIES
    TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${ARG_PROCESSORS} LABELS "${ARG_LABELS}" ENVIRONMENT "${DEIT_TEST_ENVIRONMENT}"
    SKIP_RETURN_CODE 77 FAIL_REGULAR_EXPRESSION "Running 0 tests from 0 test suites")
endfunction()

function(deit_expect_no_rest WHERE REST)
  if(NOT REST STREQUAL "")
    message(FATAL_ERROR "${WHERE}: not known: ${REST}")
  endif()
endfunction()
