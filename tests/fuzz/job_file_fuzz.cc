#include "common/base/status.h"
#include "common/spec/load.h"
#include "common/spec/warnings.h"
#include "tests/fuzz/fuzz_target.h"

// As a textproto and as JSON. What is accepted is written so that it loads to the same job again.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string content = deit::testing::Content(data, size);
  deit::spec::LoadOptions options;
  options.working_folder = "/job";
  for (const char* path : {"job.textproto", "job.json"}) {
    const auto spec = deit::spec::ParseSpec(content, path, {}, options);
    if (!spec.ok()) continue;
    deit::spec::Warnings(*spec);
    const std::string text = deit::spec::SpecText(*spec);
    for (const auto& [written, name] : {std::pair(text, "job.textproto"), std::pair(deit::spec::SpecJson(*spec), "job.json")}) {
      const auto again = deit::spec::ParseSpec(written, name, {}, options);
      DEIT_CHECK(again.ok(), name, ": ", again.status().message());
      DEIT_CHECK(deit::spec::SpecText(*again) == text, name, ": another job:\n", text, deit::spec::SpecText(*again));
    }
  }
  return 0;
}
