"""The door: what warming leaves compiled, and the names that the library gives it."""

from __future__ import annotations

import klieg
from klieg import parity
from klieg.engine import act_kernels, similar_acts
from klieg.parity import intern, spans, writing


def test_network_like_is_a_name_of_the_library():
    assert klieg.network_like is parity.network_like
    assert set(parity.DEFAULTS) == set(parity.LIKE)


def test_network_like_warm_compiles_every_kernel_once():
    assert parity.warm() > 0.0
    rooms = (act_kernels, similar_acts, intern, spans, writing)
    kernels = [k for room in rooms for k in vars(room).values() if hasattr(k, "signatures")]
    assert len(kernels) > 12
    # times are compared as integers or as floats: two sets of types; every other kernel has one
    own = [k for k in kernels if k.py_func.__module__.startswith("klieg.parity")]
    assert {len(k.signatures) for k in own if k.py_func.__name__ != "_ranges"} <= {0, 1}
    assert len(spans._ranges.signatures) == 2
