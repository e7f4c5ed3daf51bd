#include "common/machine/processor.h"

#include <gtest/gtest.h>

#include <map>

namespace deit::machine {
namespace {

constexpr char kSapphireRapids[] =
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Intel(R) Xeon(R) Processor: 4th\n"
    "flags\t\t: fpu fma avx2 avx512f avx512dq avx512bw avx512vl avx512_bf16 amx_bf16 amx_tile\n\n"
    "processor\t: 1\nvendor_id\t: Other\nflags\t\t: fpu\n";

Processor Having(std::set<std::string> flags) {
  Processor processor;
  processor.flags = std::move(flags);
  return processor;
}
const std::set<std::string> kHaswell = {"avx2", "fma"};
const std::set<std::string> kSkylake = {"avx2", "fma", "avx512f", "avx512vl", "avx512bw", "avx512dq"};
const std::set<std::string> kZen4 = {"avx2", "fma", "avx512f", "avx512vl", "avx512bw", "avx512dq", "avx512_bf16"};

Environment Setting(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  };
}

TEST(ProcessorTest, TheFirstProcessorSpeaksForAll) {
  const Processor processor = ReadProcessor(kSapphireRapids);
  EXPECT_EQ(processor.vendor, "GenuineIntel");
  EXPECT_EQ(processor.family, 6);
  EXPECT_EQ(processor.model, 143);
  EXPECT_EQ(processor.flags.size(), 10U);
  EXPECT_TRUE(ComputesInBfloat16(processor, Setting({})));
}

TEST(ProcessorTest, AnUnreadableDescriptionIsAnUnknownProcessor) {
  for (const char* text : {"", "flags", "model\t: x\n", "\n\nvendor_id: late"}) {
    const Processor processor = ReadProcessor(text);
    EXPECT_EQ(Describe(processor), "unknown family 0 model 0, L2 0, L3 0, no AMX") << text;
    EXPECT_FALSE(ComputesInBfloat16(processor, Setting({})));
  }
}

TEST(ProcessorTest, EverythingThatChoosesKernelsShowsInTheDescription) {
  Processor processor = ReadProcessor(kSapphireRapids);
  processor.level2 = 2 << 20;
  std::set<std::string> texts = {Describe(processor)};
  EXPECT_EQ(*texts.begin(), "GenuineIntel family 6 model 143, L2 2097152, L3 0, no AMX");
  processor.tiles = true;
  texts.insert(Describe(processor));
  processor.level3 = 1;
  texts.insert(Describe(processor));
  ++processor.model;
  texts.insert(Describe(processor));
  ++processor.family;
  texts.insert(Describe(processor));
  processor.vendor = "AuthenticAMD";
  texts.insert(Describe(processor));
  EXPECT_EQ(texts.size(), 6U);
}

TEST(ProcessorTest, ThisMachineSaysTheSameTwice) { EXPECT_EQ(Describe(ThisProcessor()), Describe(ThisProcessor())); }

TEST(ProcessorTest, Bfloat16NeedsInstructionsThatEveryLibraryMayUse) {
  EXPECT_FALSE(ComputesInBfloat16(Having(kHaswell), Setting({})));
  EXPECT_FALSE(ComputesInBfloat16(Having(kSkylake), Setting({})));
  EXPECT_TRUE(ComputesInBfloat16(Having(kZen4), Setting({})));
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"ATEN_CPU_CAPABILITY", "avx2"}, {"ONEDNN_MAX_CPU_ISA", "AVX512_CORE_VNNI"}, {"DNNL_MAX_CPU_ISA", "avx2"}}) {
    EXPECT_FALSE(ComputesInBfloat16(Having(kZen4), Setting({{name, value}}))) << name;
  }
  for (const char* limit : {"AVX512_CORE_BF16", "avx512_core_amx", "ALL", "DEFAULT"}) {
    EXPECT_TRUE(ComputesInBfloat16(Having(kZen4), Setting({{"ONEDNN_MAX_CPU_ISA", limit}}))) << limit;
  }
}

}  // namespace
}  // namespace deit::machine
