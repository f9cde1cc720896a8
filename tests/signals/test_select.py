"""Which signals run when nobody says which."""

from __future__ import annotations

from klieg.config import Config
from klieg.signals import ON_REQUEST, select
from klieg.sockets import make, names

ENGINE = make("engines", "cpu", Config())


def test_select_leaves_the_dear_ones_out_unless_named():
    chosen = [s.name for s in select(Config(), engine=ENGINE)]
    assert chosen == [n for n in names("signals") if n not in ON_REQUEST]
    assert ON_REQUEST
    for name in ON_REQUEST:
        assert [s.name for s in select(Config(signals=(name,)), engine=ENGINE)] == [name]
