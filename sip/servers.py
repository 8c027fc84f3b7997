"""A queue with so many servers: who is served, and who waits for whom."""

from collections import OrderedDict
from typing import Generic, TypeVar

Customer = TypeVar("Customer", bound=object)


class Servers(Generic[Customer]):
    """At most `count` are served at once, all where that is None; the others wait in the order they came."""

    def __init__(self, count: int | None) -> None:
        self._count = count
        self._served: set[int] = set()
        self._waiting: OrderedDict[int, Customer] = OrderedDict()

    def enter(self, customer: Customer) -> bool:
        """Whether it is served at once; else it waits."""
        if self._count is not None and len(self._served) >= self._count:
            self._waiting[id(customer)] = customer
            return False
        self._served.add(id(customer))
        return True

    def leave(self, customer: Customer) -> Customer | None:
        """Whoever is served now that it is gone, whether it was served or has given up waiting."""
        if self._waiting.pop(id(customer), None) is not None:
            return None
        self._served.discard(id(customer))
        if not self._waiting:
            return None
        following = self._waiting.popitem(last=False)[1]
        self._served.add(id(following))
        return following
