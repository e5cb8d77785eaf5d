"""Service threads and their database connections."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction
from django.db.backends.signals import connection_created

from realtime.database import threads
from realtime.models import Stream

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def one_thread():
    """Run all calls in one thread, one after the other."""
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr(threads, "_pool", lambda: pool)
        yield
        pool.submit(connections.close_all).result()


@pytest.fixture
def opened():
    """Record the connections that are opened."""
    found = []

    def note(**kwargs):
        found.append(kwargs["connection"])

    connection_created.connect(note)
    yield found
    connection_created.disconnect(note)


async def count_streams() -> int:
    return await threads.call(Stream.objects.count)


@pytest.mark.skipif("connection.vendor != 'sqlite'")
async def test_a_service_thread_opens_sqlite_once(opened):
    for _ in range(10):
        await count_streams()
    assert len(opened) == 1


@pytest.mark.skipif("connection.vendor == 'sqlite'")
async def test_a_service_thread_gives_its_connection_back_to_the_pool():
    await count_streams()
    assert await threads.call(lambda: connection.connection) is None


async def test_a_connection_that_broke_is_replaced():
    def breaks():
        connection.ensure_connection()
        connection.errors_occurred = True
        connection.is_usable = lambda: False
        return connection.connection

    broken = await threads.call(breaks)

    def later():
        connection.ensure_connection()
        return connection.connection

    assert await threads.call(later) is not broken


async def test_a_transaction_that_was_left_open_is_not_handed_on():
    def leaves_it_open():
        transaction.set_autocommit(False)
        Stream.objects.create(workspace_id=1, name="left")

    await threads.call(leaves_it_open)
    assert await threads.call(transaction.get_autocommit)
    assert await count_streams() == 0
