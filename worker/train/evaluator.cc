#include "worker/train/evaluator.h"

#include <cstring>
#include <span>
#include <type_traits>

namespace deit::train {
namespace {

static_assert(std::is_trivially_copyable_v<EvaluationCounts>);

int64_t ChunksOf(int worker, int64_t chunks, int workers) { return (chunks - worker + workers - 1) / workers; }

}  // namespace

size_t EvaluationPayloadCapacity(int64_t chunks, int workers) {
  return static_cast<size_t>(ChunksOf(0, chunks, workers)) * sizeof(EvaluationCounts);
}

StatusOr<EvaluationCounts> Evaluate(data::EvaluationChunks& chunks, Engine& engine, exchange::WorkerGroup& worker_group) {
  exchange::Context& context = worker_group.context();
  const int workers = context.plan->topology().workers();
  context.Report(exchange::Phase::kEvaluate);
  std::vector<EvaluationCounts> mine;
  for (int64_t c = context.worker(); c < chunks.count(); c += workers) {
    DEIT_ASSIGN_OR_RETURN(const data::MicroBatch* batch, chunks.Load(c));
    DEIT_ASSIGN_OR_RETURN(const EvaluationCounts counts, engine.Evaluate(batch->pixels, batch->labels));
    mine.push_back(counts);
  }
  std::vector<size_t> sizes;
  for (int w = 0; w < workers; ++w) sizes.push_back(static_cast<size_t>(ChunksOf(w, chunks.count(), workers)) * sizeof(EvaluationCounts));
  DEIT_RETURN_IF_ERROR(worker_group.gather().Exchange(std::as_bytes(std::span(mine)), sizes, "evaluation"));

  EvaluationCounts sum;
  for (int64_t c = 0; c < chunks.count(); ++c) {
    EvaluationCounts chunk;
    std::memcpy(&chunk, worker_group.gather().Of(static_cast<int>(c % workers)).data() + static_cast<size_t>(c / workers) * sizeof(chunk),
                sizeof(chunk));
    sum.images += chunk.images;
    sum.correct_head += chunk.correct_head;
    sum.correct_dist += chunk.correct_dist;
    sum.correct_fused += chunk.correct_fused;
    sum.correct5_fused += chunk.correct5_fused;
    sum.loss += chunk.loss;
  }
  return sum;
}

StatusOr<EvaluationCounts> EvaluateAverages(data::EvaluationChunks& chunks, Engine& engine, const state::JobState& state) {
  DEIT_RETURN_IF_ERROR(state::SwapAverages(state));
  DEIT_ASSIGN_OR_RETURN(const EvaluationCounts counts, Evaluate(chunks, engine, *state.worker_group));
  DEIT_RETURN_IF_ERROR(state::SwapAverages(state));
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
