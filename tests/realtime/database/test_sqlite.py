"""Writers to SQLite queue first come, first served, and none is refused."""

import threading
import time

import pytest
from django.db import OperationalError, connection, transaction

from realtime.database.sqlite.base import FairLock
from realtime.models import Lease
from realtime.process import reporter
from realtime.sessions import directory
from realtime.workers import leases


def test_the_lock_is_handed_over_in_the_order_of_coming():
    lock = FairLock()
    assert lock.acquire(1)
    order, threads = [], []
    for number in range(5):

        def wait(number: int = number) -> None:
            assert lock.acquire(5)
            order.append(number)
            lock.release()

        thread = threading.Thread(target=wait)
        thread.start()
        threads.append(thread)
        while len(lock._waiters) <= number:
            pass
    lock.release()
    for thread in threads:
        thread.join()
    assert order == list(range(5))


def test_a_waiter_that_gave_up_is_passed_over():
    lock = FairLock()
    assert lock.acquire(1)
    assert not lock.acquire(0.01)
    lock.release()
    assert lock.acquire(0.01)


def report():
    reporter._write("web", {})
    return lambda: reporter._write("web", {})


def list_connections():
    reporter._write("web", {})
    return lambda: directory._store({"connections": "[]"})


def renew_lease():
    lease = leases.acquire("collectors", "one")
    return lambda: leases.renew(lease)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the gate is SQLite's")
@pytest.mark.django_db(transaction=True)
class TestGate:
    def test_many_writers_at_once_all_get_their_turn(self):
        errors = []

        def write(number: int) -> None:
            try:
                for turn in range(20):
                    with transaction.atomic():
                        Lease.objects.create(
                            name=f"{number}-{turn}", expires_at="2030-01-01T00:00:00Z"
                        )
            except OperationalError as error:
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert Lease.objects.count() == 160

    def test_writers_commit_in_the_order_of_their_coming(self):
        order, threads = [], []

        def write(number: int) -> None:
            with transaction.atomic():
                order.append(number)
            connection.close()

        with transaction.atomic():
            for number in range(8):
                thread = threading.Thread(target=write, args=(number,))
                thread.start()
                threads.append(thread)
                deadline = time.monotonic() + 5
                while len(connection._gate._waiters) <= number:
                    assert time.monotonic() < deadline, "writers do not queue"
        for thread in threads:
            thread.join()
        assert order == list(range(8))

    @pytest.mark.parametrize("sign_of_life", [report, list_connections, renew_lease])
    def test_signs_of_life_queue_like_everybody(self, sign_of_life):
        """A process that waits too long for its single statement counts as dead."""
        give = sign_of_life()

        def live() -> None:
            give()
            connection.close()

        thread = threading.Thread(target=live)
        with transaction.atomic():
            thread.start()
            deadline = time.monotonic() + 5
            while not connection._gate._waiters:
                assert time.monotonic() < deadline, "it polls the lock past the queue"
        thread.join()

    def test_a_failed_transaction_gives_the_gate_back(self):
        for _ in range(2):
            with pytest.raises(RuntimeError), transaction.atomic():
                raise RuntimeError
        with transaction.atomic():
            pass
        assert not connection._holds_gate

    def test_a_connection_closed_inside_a_transaction_gives_the_gate_back(self):
        def leaves() -> None:
            connection.set_autocommit(False)
            connection.close()

        thread = threading.Thread(target=leaves)
        thread.start()
        thread.join()
        with transaction.atomic():
            pass
