#include "common/job/job_digest.h"

#include <utility>

#include "common/base/digest.h"
#include "common/checkpoint/weights_content.h"
#include "common/spec/spec_digest.h"

namespace deit::job {
namespace {

StatusOr<uint64_t> DigestWeights(const std::string& path) {
  DEIT_RETURN_IF_ERROR(checkpoint::VerifyIfCheckpoint(path));
  return checkpoint::WeightsContentDigest(path);
}

}  // namespace

StatusOr<std::string> DigestJob(const v1::JobSpec& spec, const dataset::Index& train) {
  spec::ContentDigests contents = {{"data.root", train.fingerprint()}};
  const std::pair<const char*, std::string> weights[] = {{"model.init_from", spec.model().init_from()},
                                                         {"teacher.weights", spec.teacher().weights()}};
  for (const auto& [field, path] : weights) {
    if (path.empty()) continue;
    auto digest = DigestWeights(path);
    if (!digest.ok()) return Annotate(digest.status(), field);
    contents[field] = *digest;
  }
  return DigestHex(spec::SpecDigest(spec, contents));
}

}  // namespace deit::job
