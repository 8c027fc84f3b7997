"""A queue with so many servers."""

from hypothesis import given
from hypothesis import strategies as st

from sip.servers import Servers


class Customer:
    """Somebody, who is nobody else."""


def test_those_beyond_the_servers_wait_and_are_served_in_the_order_they_came() -> None:
    """One leaves, one follows."""
    first, second, third = Customer(), Customer(), Customer()
    servers: Servers[Customer] = Servers(1)

    assert [servers.enter(one) for one in (first, second, third)] == [True, False, False]
    assert servers.leave(first) is second
    assert servers.leave(second) is third
    assert servers.leave(third) is None


def test_without_a_count_nobody_waits() -> None:
    """And nobody follows."""
    servers: Servers[Customer] = Servers(None)
    everybody = [Customer() for _ in range(100)]

    assert all(servers.enter(one) for one in everybody)
    assert {servers.leave(one) for one in everybody} == {None}


@given(st.integers(1, 3), st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=60))
def test_no_server_is_idle_while_somebody_waits(count: int, turns: list[tuple[bool, int]]) -> None:
    """Whoever comes or goes, whether served or waiting."""
    servers: Servers[Customer] = Servers(count)
    served: list[Customer] = []
    waiting: list[Customer] = []
    for comes, which in turns:
        if comes:
            customer = Customer()
            (served if servers.enter(customer) else waiting).append(customer)
        elif served or waiting:
            here = served + waiting
            customer = here[which % len(here)]
            following = servers.leave(customer)
            (served if customer in served else waiting).remove(customer)
            if following is not None:
                assert following is waiting.pop(0)
                served.append(following)
        assert len(served) == min(count, len(served) + len(waiting))
