"""Numbers that follow from a name and an index alone: the same, bit by bit, as tests/support/keyed_values.h."""
import numpy

PRODUCTS = 4


def key_of(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def words(key, count):
    z = numpy.uint64(key) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return z ^ (z >> numpy.uint64(31))


def values(key, count):
    return (words(key, count) >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-52 - 1


def tensor(name, shape):
    count = int(numpy.prod(shape, dtype=numpy.int64))
    offset, scale = 0.0, 0.1
    if len(shape) > 1:
        scale = numpy.sqrt(6.0 / (count / shape[0]))
    elif name.endswith(".weight"):
        offset, scale = (0.25, 0.1) if "bn" in name else (1.0, 0.2)
    return (offset + scale * values(key_of(name), count)).astype(numpy.float32).reshape(shape)


def sketch(name, array):
    """The norm, and the products with vectors of keyed signs."""
    flat = numpy.asarray(array, dtype=numpy.float64).ravel()
    bits = words(key_of(name) ^ (2**64 - 1), flat.size)
    signs = [(bits >> numpy.uint64(k) & numpy.uint64(1)).astype(numpy.float64) * 2 - 1 for k in range(PRODUCTS)]
    return [float(numpy.sqrt(flat @ flat)), *(float(flat @ sign) for sign in signs)]
