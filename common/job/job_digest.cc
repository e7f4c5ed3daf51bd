#include "common/job/job_digest.h"

#include "common/base/digest.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/checkpoint/weights_content.h"
#include "common/run/run_folder.h"
#include "common/run/run_identity.h"
#include "common/spec/spec_digest.h"

namespace deit::job {
namespace {

StatusOr<uint64_t> DigestWeights(const std::string& path) {
  DEIT_RETURN_IF_ERROR(checkpoint::VerifyIfCheckpoint(path));
  return checkpoint::WeightsContentDigest(path);
}

StatusOr<uint64_t> DigestInitFrom(const v1::JobSpec& spec, bool fresh_start) {
  auto digest = DigestWeights(spec.model().init_from());
  if (fresh_start || !absl::IsNotFound(digest.status())) return digest;
  files::FileSystem& fs = files::FileSystem::Posix();
  const run::RunFolder folder(spec.run_dir());
  uint64_t recorded = 0;
  if (!ParseDigestHex(run::InitFromDigest(fs, folder), &recorded)) return digest;
  const auto saved = checkpoint::WasSaved(fs, folder.Checkpoints());
  return saved.ok() && *saved ? StatusOr<uint64_t>(recorded) : digest;
}

}  // namespace

StatusOr<JobDigest> DigestJob(const v1::JobSpec& spec, const dataset::Index& train, bool fresh_start) {
  JobDigest job;
  spec::ContentDigests contents = {{"data.root", train.fingerprint()}};
  if (!spec.model().init_from().empty()) {
    auto digest = DigestInitFrom(spec, fresh_start);
    if (!digest.ok()) return Annotate(digest.status(), "model.init_from");
    contents["model.init_from"] = *digest;
    job.init_from = DigestHex(*digest);
  }
  if (!spec.teacher().weights().empty()) {
    auto digest = DigestWeights(spec.teacher().weights());
    if (!digest.ok()) return Annotate(digest.status(), "teacher.weights");
    contents["teacher.weights"] = *digest;
  }
  job.spec = DigestHex(spec::SpecDigest(spec, contents));
  return job;
}

}  // namespace deit::job
