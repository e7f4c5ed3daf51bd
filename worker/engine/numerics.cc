#include "worker/engine/numerics.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <malloc.h>
#include <torch/version.h>

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "common/machine/processor.h"
#include "common/process/build_id.h"

namespace deit::engine {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? absl::StrCat(name, "=", value) : absl::StrCat(name, " unset");
}

// What chooses kernels of ours and of libraries that ask the processor themselves.
const char* KindOf(const machine::Processor& processor) {
  if (processor.flags.count("avx512_bf16") > 0) return "AVX512_BF16";
  if (processor.flags.count("avx512f") > 0) return "AVX512";
  return processor.flags.count("avx2") > 0 ? "AVX2" : "baseline";
}

}  // namespace

void PinMathEnvironment() {
  // MKL picks kernels by alignment and processor unless told otherwise. AVX2 and AVX512 give the same bits, AVX2 is what every processor that
  // runs this well has.
#ifdef __x86_64__
  setenv("MKL_CBWR", machine::ThisProcessor().flags.count("avx512f") > 0 ? "AVX512" : "AVX2", 0);
#endif
  // OMP_DYNAMIC=TRUE gave wrong bfloat16 results. LibTorch brings an OpenMP library of its own, so ours is not linked.
  if (auto* set_dynamic = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_dynamic"))) set_dynamic(0);
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, 64 << 20);
}

Status SetThreads(int threads) {
  if (const char* limit = std::getenv("OMP_THREAD_LIMIT")) {
    int value = 0;
    if (!absl::SimpleAtoi(limit, &value) || value < threads) {
      return WithHint(absl::InvalidArgumentError(absl::StrCat("OMP_THREAD_LIMIT: ", limit, ": below threads_per_worker, ", threads,
                                                              ": tensor results would be wrong")),
                      "unset OMP_THREAD_LIMIT or lower threads_per_worker");
    }
  }
  at::set_num_threads(threads);
  return absl::OkStatus();
}

std::string DescribeNumerics(const v1::JobSpec& spec) {
  const machine::Processor& processor = machine::ThisProcessor();
  std::vector<std::string> parts = {absl::StrCat("torch ", TORCH_VERSION),
                                    at::get_cpu_capability(),
                                    absl::StrCat("processor ", KindOf(processor)),
                                    machine::Describe(processor),
                                    absl::StrCat("glibc ", gnu_get_libc_version()),
                                    absl::StrCat("build ", process::BuildId()),
                                    Environment("MKL_CBWR"),
                                    Environment("ONEDNN_MAX_CPU_ISA"),
                                    Environment("DNNL_MAX_CPU_ISA"),
                                    Environment("ONEDNN_DEFAULT_FPMATH_MODE"),
                                    Environment("DNNL_DEFAULT_FPMATH_MODE"),
                                    absl::StrCat(at::get_num_threads(), at::get_num_threads() == 1 ? " thread" : " threads"),
                                    v1::Device_Name(spec.device()),
                                    v1::Precision_Name(spec.train().precision())};
  return absl::StrJoin(parts, ", ");
}

}  // namespace deit::engine
