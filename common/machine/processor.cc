#include "common/machine/processor.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace deit::machine {
namespace {

// https://docs.kernel.org/arch/x86/xstate.html: tiles are off until a process asks for them, and a sandbox may refuse.
bool AskForTiles() {
#ifdef __x86_64__
  constexpr long kRequestComponent = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestComponent, kTileData) == 0;
#else
  return false;
#endif
}

int64_t CacheBytes(int name) { return std::max<int64_t>(sysconf(name), 0); }

bool HasAll(const std::set<std::string>& flags, std::initializer_list<const char*> wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const char* flag) { return flags.count(flag) > 0; });
}

}  // namespace

Processor ReadProcessor(absl::string_view cpuinfo) {
  Processor processor;
  for (const absl::string_view line : absl::StrSplit(cpuinfo, '\n')) {
    if (line.empty()) break;  // the next processor follows
    const std::pair<absl::string_view, absl::string_view> field = absl::StrSplit(line, absl::MaxSplits(':', 1));
    const absl::string_view name = absl::StripAsciiWhitespace(field.first), value = absl::StripAsciiWhitespace(field.second);
    if (name == "vendor_id") processor.vendor = std::string(value);
    if (name == "cpu family" && !absl::SimpleAtoi(value, &processor.family)) processor.family = 0;
    if (name == "model" && !absl::SimpleAtoi(value, &processor.model)) processor.model = 0;
    if (name == "flags") processor.flags = absl::StrSplit(value, ' ', absl::SkipEmpty());
  }
  return processor;
}

namespace {

Processor Read() {
  std::ostringstream text;
  text << std::ifstream("/proc/cpuinfo").rdbuf();
  Processor processor = ReadProcessor(text.str());
  processor.level2 = CacheBytes(_SC_LEVEL2_CACHE_SIZE);
  processor.level3 = CacheBytes(_SC_LEVEL3_CACHE_SIZE);
  processor.tiles = processor.flags.count("amx_tile") > 0 && AskForTiles();
  return processor;
}

}  // namespace

const Processor& ThisProcessor() {
  static const Processor& processor = *new Processor(Read());
  return processor;
}

std::string Describe(const Processor& processor) {
  return absl::StrCat(processor.vendor.empty() ? "unknown" : processor.vendor, " family ", processor.family, " model ", processor.model,
                      ", L2 ", processor.level2, ", L3 ", processor.level3, processor.tiles ? ", AMX" : ", no AMX");
}

std::string ProcessEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool ComputesInBfloat16(const Processor& processor, const Environment& environment) {
  if (!HasAll(processor.flags, {"avx512f", "avx512vl", "avx512bw", "avx512dq", "fma"})) return false;
  if (processor.flags.count("avx512_bf16") == 0 && processor.flags.count("amx_bf16") == 0) return false;
  const std::string kernels = environment("ATEN_CPU_CAPABILITY");
  if (kernels == "default" || kernels == "avx2") return false;
  std::string limit = environment("ONEDNN_MAX_CPU_ISA");
  if (limit.empty()) limit = environment("DNNL_MAX_CPU_ISA");
  limit = absl::AsciiStrToUpper(limit);
  constexpr std::array kEnough = {"BF16", "FP16", "AMX", "AVX10"};
  return limit.empty() || limit == "ALL" || limit == "DEFAULT" ||
         std::any_of(kEnough.begin(), kEnough.end(), [&](const char* word) { return absl::StrContains(limit, word); });
}

}  // namespace deit::machine
