"""Instruction sets that LibTorch and oneDNN use here: those of the processor, as far as the environment allows them.

Environment variables that make a run behave as on an older processor (ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2) are honored.
"""
import os
import pathlib

CAPABILITIES = {"default": set(), "avx2": {"avx2", "fma"}, "avx512": {"avx512f", "avx512vl", "avx512bw", "avx512dq", "fma"}}


def flags():
    """The flags of the first processor of /proc/cpuinfo."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()


def capability(environ=None, has=None):
    """LibTorch's choice of kernels, a key of CAPABILITIES: ATEN_CPU_CAPABILITY where the processor has it, else the highest that it has."""
    environ, has = os.environ if environ is None else environ, flags() if has is None else has
    offered = [name for name, wanted in CAPABILITIES.items() if wanted <= has]
    asked = environ.get("ATEN_CPU_CAPABILITY")
    return asked if asked in offered else offered[-1]


def other_capabilities(environ=None, has=None):
    """Those that the processor has besides capability()."""
    has = flags() if has is None else has
    return [name for name, wanted in CAPABILITIES.items() if wanted <= has and name != capability(environ, has)]


def computes_in_bfloat16(environ=None, has=None):
    """Whether bfloat16 products have instructions of their own; without them a step takes many times as long as in single precision."""
    environ, has = os.environ if environ is None else environ, flags() if has is None else has
    limit = environ.get("ONEDNN_MAX_CPU_ISA", environ.get("DNNL_MAX_CPU_ISA", "ALL")).upper()
    allowed = limit in ("ALL", "DEFAULT") or any(word in limit for word in ("BF16", "FP16", "AMX", "AVX10"))
    return allowed and capability(environ, has) == "avx512" and bool({"avx512_bf16", "amx_bf16"} & has)
