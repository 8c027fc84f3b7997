"""What the tests of a capacity run ask for unless they say otherwise."""

import math

from capacity import criterion
from capacity.route import Route
from capacity.sequential import ALPHA
from capacity.stretch import Axis, Cell

ONE = Cell("bounded", "clean")
ROUTE = Route(
    cells=(ONE,),
    axis=Axis.RATE,
    start=0.5,
    floor=0.03,
    ceiling=10.0,
    precision=1.2,
    criteria=criterion.read(criterion.DEFAULT),
    alpha=ALPHA,
    hold_s=5.0,
    warm_up=2,
    confirm_calls=160,
    budget_s=math.inf,
)
