// Accuracy on the validation images: fixed chunks, dealt to the workers by number, so that each image counts once and results are equal
// for every world.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "worker/data/evaluation_chunks.h"
#include "worker/exchange/worker_group.h"
#include "worker/state/job_state.h"
#include "worker/train/engine.h"

namespace deit::train {

// Bytes of the largest payload that Evaluate sends.
size_t EvaluationPayloadCapacity(int64_t chunks, int workers);

// Whether to give an evaluation up: asked between pieces of work; quick.
using LeaveEvaluation = std::function<bool()>;
inline bool StayToTheEnd() { return false; }

// Evaluates all chunks; collective over all workers, who all get the sums. Sums of losses are taken chunk by chunk in order. Where any worker
// leaves, all get Cancelled, as an agreed failure.
StatusOr<EvaluationCounts> Evaluate(data::EvaluationChunks& chunks, Engine& engine, exchange::WorkerGroup& worker_group,
                                    const LeaveEvaluation& leave = StayToTheEnd);

// The same of the averaged weights, which stand in the weights' place meanwhile, also if it is left. Needs an EMA.
StatusOr<EvaluationCounts> EvaluateAverages(data::EvaluationChunks& chunks, Engine& engine, const state::JobState& state,
                                            const LeaveEvaluation& leave = StayToTheEnd);

// The same for the report: every worker gets that of all images.
StatusOr<EvaluationReport> Report(data::EvaluationChunks& chunks, Engine& engine, exchange::WorkerGroup& worker_group);

// In percent; 0 of no images.
double Percent(int64_t correct, int64_t images);

}  // namespace deit::train
