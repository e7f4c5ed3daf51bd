# Everything from outside, as imported targets. `launch/setup.sh` installs all of it.
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)
find_package(absl REQUIRED)
find_package(gflags REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)  # libjpeg-turbo's: others cannot decode a part of a picture
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(Boost 1.81 REQUIRED)  # Asio: headers only
find_package(PkgConfig REQUIRED)
pkg_check_modules(GLOG REQUIRED IMPORTED_TARGET libglog)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(TIFF REQUIRED IMPORTED_TARGET libtiff-4>=4.5)  # since then each reader has its own error handler
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp libwebpdemux)
find_package(MPI REQUIRED COMPONENTS C)
if(DEIT_BUILD_TESTS)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()

find_program(DEIT_CCACHE ccache)
if(DEIT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${DEIT_CCACHE}")
endif()
find_program(DEIT_MOLD mold)
if(DEIT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
add_link_options(-Wl,--build-id=sha1)  # common/process/build_id.h: part of the numerics fingerprint

# LibTorch's CPU libraries as a target of our own: find_package(Torch) would demand a CUDA tool chain from the PyPI wheel.
# Undefined symbols are allowed because libtorch_cpu names two small CUDA packages which only its run path finds.
if(DEIT_BUILD_TORCH)
  if(NOT EXISTS "${TORCH_ROOT}/lib/libtorch_cpu.so")
    message(FATAL_ERROR "LibTorch: ${TORCH_ROOT}/lib/libtorch_cpu.so: does not exist\n"
      "hint: run ./launch/setup.sh, or name another LibTorch >= 2.4 with -DTORCH_ROOT=DIR")
  endif()
  add_library(deit_torch INTERFACE)
  add_library(deit::torch ALIAS deit_torch)
  target_include_directories(deit_torch SYSTEM INTERFACE "${TORCH_ROOT}/include" "${TORCH_ROOT}/include/torch/csrc/api/include")
  target_link_libraries(deit_torch INTERFACE "${TORCH_ROOT}/lib/libtorch_cpu.so" "${TORCH_ROOT}/lib/libc10.so")
  target_link_options(deit_torch INTERFACE -Wl,--allow-shlib-undefined)
endif()
