// Function multiversioning: one clone of a function per instruction set, selected by the dynamic loader.
#pragma once

// DEIT_TARGET_CLONES("arch=x86-64-v3", ...) before a function's definition: a copy for each, and one for any machine. What it calls must be inlined
// to take its instruction set. Only the one copy where the compiler cannot do it, and under the thread sanitizer, which the loader's choice comes
// too early for.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define DEIT_TARGET_CLONES(...) __attribute__((target_clones(__VA_ARGS__, "default")))
#else
#define DEIT_TARGET_CLONES(...)
#endif
