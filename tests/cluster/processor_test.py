"""What the tests take the processor for, on processors of several years."""
import unittest

from cluster import main
from processor import capability, computes_in_bfloat16, other_capabilities

NEHALEM = {"sse4_2"}
HASWELL = {"avx2", "fma"}
SKYLAKE = HASWELL | {"avx512f", "avx512vl", "avx512bw", "avx512dq"}
SAPPHIRE_RAPIDS = SKYLAKE | {"avx512_bf16", "amx_bf16"}
AS_HASWELL = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}


class Processor(unittest.TestCase):
    def test_the_capability_is_the_highest_that_is_allowed_and_there(self):
        for has, highest in ((NEHALEM, "default"), (HASWELL, "avx2"), (SKYLAKE, "avx512"), (SAPPHIRE_RAPIDS, "avx512")):
            self.assertEqual(capability({}, has), highest)
        self.assertEqual(capability(AS_HASWELL, SAPPHIRE_RAPIDS), "avx2")
        self.assertEqual(capability({"ATEN_CPU_CAPABILITY": "avx512"}, HASWELL), "avx2")

    def test_other_capabilities_are_those_a_process_can_be_held_to(self):
        self.assertEqual(other_capabilities({}, NEHALEM), [])
        self.assertEqual(other_capabilities({}, HASWELL), ["default"])
        self.assertEqual(other_capabilities(AS_HASWELL, SKYLAKE), ["default", "avx512"])

    def test_bfloat16_needs_instructions_that_every_library_may_use(self):
        for has, native in ((HASWELL, False), (SKYLAKE, False), (SAPPHIRE_RAPIDS, True)):
            self.assertEqual(computes_in_bfloat16({}, has), native)
        limits = (AS_HASWELL, {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI"}, {"DNNL_MAX_CPU_ISA": "avx2"}, {"ATEN_CPU_CAPABILITY": "avx2"})
        for environment in limits:
            self.assertFalse(computes_in_bfloat16(environment, SAPPHIRE_RAPIDS), environment)
        for limit in ("AVX512_CORE_BF16", "AVX512_CORE_AMX", "ALL"):
            self.assertTrue(computes_in_bfloat16({"ONEDNN_MAX_CPU_ISA": limit}, SAPPHIRE_RAPIDS), limit)


if __name__ == "__main__":
    main()
