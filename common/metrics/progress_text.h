// Formatting of progress lines. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "proto/run.pb.h"

namespace deit::metrics {

// epoch 12/300 [ 45%] 562/1251 loss 3.214 (3.301) acc1 61.2 812 img/s 0.31 s/step data 2% lr 4.9e-04 eta 3h12m
// Parts that are unknown are left out. At most `width` characters: whole parts go, the least important first (data, lr, s/step,
// the average loss, acc1, img/s, eta, percent, loss, steps); the epoch always stays, cut to `width` at worst.
std::string FormatProgress(const v1::Progress& progress, int width);

// For lines that no terminal limits.
inline constexpr int kAnyWidth = 1 << 20;

// finished step=S epoch=E val_acc1=A weights_digest=H: the last line of a run. A as it reads back exactly, "nan" if never evaluated.
std::string FinishedLine(int64_t step, int epoch, double val_acc1, const std::string& weights_digest);

}  // namespace deit::metrics
