#include "worker/train/evaluator.h"

#include <cstring>
#include <span>
#include <type_traits>

#include "absl/cleanup/cleanup.h"
#include "absl/functional/function_ref.h"
#include "worker/exchange/agreement.h"

namespace deit::train {
namespace {

static_assert(std::is_trivially_copyable_v<EvaluationCounts>);

int64_t ChunksOf(int worker, int64_t chunks, int workers) { return (chunks - worker + workers - 1) / workers; }

// A word, not 0 of a worker that left, and then the counts of each of its chunks.
size_t PayloadBytes(int worker, int64_t chunks, int workers) {
  return sizeof(uint64_t) + static_cast<size_t>(ChunksOf(worker, chunks, workers)) * sizeof(EvaluationCounts);
}

// The payload of this worker's chunks.
StatusOr<std::vector<std::byte>> EvaluateOwn(data::EvaluationChunks& chunks, Engine& engine, const exchange::Context& context,
                                             absl::FunctionRef<bool()> leaves) {
  const int workers = context.plan->topology().workers();
  uint64_t left = 0;
  engine.OnPiece([&context, &leaves, &left] {
    context.AddPiece();
    left = left != 0 || leaves();
    return left == 0;
  });
  const absl::Cleanup unhook = [&engine] { engine.OnPiece(nullptr); };
  std::vector<EvaluationCounts> mine(static_cast<size_t>(ChunksOf(context.worker(), chunks.count(), workers)));
  for (size_t k = 0; k < mine.size(); ++k) {
    left = left != 0 || leaves();
    if (left != 0) break;
    DEIT_ASSIGN_OR_RETURN(const data::MicroBatch* batch, chunks.Load(context.worker() + static_cast<int64_t>(k) * workers));
    context.AddPiece();
    auto counts = engine.Evaluate(batch->pixels, batch->labels);
    if (left != 0) break;
    DEIT_RETURN_IF_ERROR(counts.status());
    mine[k] = *counts;
  }
  const auto word = std::as_bytes(std::span(&left, 1)), counts = std::as_bytes(std::span(mine));
  std::vector<std::byte> bytes(word.begin(), word.end());
  bytes.insert(bytes.end(), counts.begin(), counts.end());
  return bytes;
}

}  // namespace

size_t EvaluationPayloadCapacity(int64_t chunks, int workers) { return PayloadBytes(0, chunks, workers); }

StatusOr<EvaluationCounts> Evaluate(data::EvaluationChunks& chunks, Engine& engine, exchange::WorkerGroup& worker_group,
                                    const LeaveEvaluation& leave) {
  exchange::Context& context = worker_group.context();
  const int workers = context.plan->topology().workers();
  context.Report(exchange::Phase::kEvaluate);
  const auto leaves = [&] { return context.StepGivenUp() || leave(); };  // a worker that failed has given up, too
  DEIT_ASSIGN_OR_RETURN(const std::vector<std::byte> mine, EvaluateOwn(chunks, engine, context, leaves));
  std::vector<size_t> sizes;
  for (int w = 0; w < workers; ++w) sizes.push_back(PayloadBytes(w, chunks.count(), workers));
  DEIT_RETURN_IF_ERROR(worker_group.gather().Exchange(mine, sizes, "evaluation"));

  EvaluationCounts sum;
  for (int64_t c = 0; c < chunks.count(); ++c) {
    const std::byte* const from = worker_group.gather().Of(static_cast<int>(c % workers)).data();
    uint64_t left = 0;
    std::memcpy(&left, from, sizeof(left));
    if (left != 0) return exchange::AsAgreed(absl::CancelledError("the evaluation was given up: a stop was requested"));
    EvaluationCounts chunk;
    std::memcpy(&chunk, from + sizeof(left) + static_cast<size_t>(c / workers) * sizeof(chunk), sizeof(chunk));
    sum.images += chunk.images;
    sum.correct_head += chunk.correct_head;
    sum.correct_dist += chunk.correct_dist;
    sum.correct_fused += chunk.correct_fused;
    sum.correct5_fused += chunk.correct5_fused;
    sum.loss += chunk.loss;
  }
  return sum;
}

StatusOr<EvaluationCounts> EvaluateAverages(data::EvaluationChunks& chunks, Engine& engine, const state::JobState& state,
                                            const LeaveEvaluation& leave) {
  DEIT_RETURN_IF_ERROR(state::SwapAverages(state));
  auto counts = Evaluate(chunks, engine, *state.worker_group, leave);
  if (counts.ok() || absl::IsCancelled(counts.status())) DEIT_RETURN_IF_ERROR(state::SwapAverages(state));
  return counts;
}

StatusOr<EvaluationReport> Report(data::EvaluationChunks& chunks, Engine& engine, exchange::WorkerGroup& worker_group) {
  exchange::Context& context = worker_group.context();
  context.Report(exchange::Phase::kEvaluate);
  EvaluationReport report = engine.NewReport();
  for (int64_t c = context.worker(); c < chunks.count(); c += context.plan->topology().workers()) {
    DEIT_ASSIGN_OR_RETURN(const data::MicroBatch* batch, chunks.Load(c));
    DEIT_RETURN_IF_ERROR(engine.Report(batch->pixels, batch->labels, &report));
  }
  DEIT_RETURN_IF_ERROR(worker_group.SumNumbers(&report.sums(), "the report"));
  return report;
}

double Percent(int64_t correct, int64_t images) {
  return images == 0 ? 0 : 100.0 * static_cast<double>(correct) / static_cast<double>(images);
}

}  // namespace deit::train
