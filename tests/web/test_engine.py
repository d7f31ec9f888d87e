from __future__ import annotations

import asyncio
import threading
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
from starlette.testclient import TestClient

from aaecli.data.preprocessing.prepare import Encoded, Recipe
from aaecli.errors import AaeError
from aaecli.serve.session import to_float
from aaecli.web.crew import Pair
from aaecli.web.engine import Busy, Engine
from aaecli.web.preparing import Preparing


def test_requests_that_have_gathered_share_a_run(pair, mnist) -> None:
    engine = Engine(pair / "encoder.onnx", "cpu", max_batch=5, threads=1)
    image = to_float(mnist.test_image[:8])[:, None]

    async def ask() -> list:
        waiting = [asyncio.ensure_future(engine.encode(image[row : row + 1])) for row in range(8)]
        await asyncio.sleep(0)  # all are in the queue before the thread starts
        engine.start()
        return await asyncio.gather(*waiting)

    answers = asyncio.run(ask())
    engine.close()
    assert (engine.counts["encoder"].rows, engine.counts["encoder"].runs) == (8, 2)
    label_prob, style = engine.first.encoder(image)
    assert label_prob is not None
    assert style is not None
    assert np.concatenate([found[0] for found in answers]) == pytest.approx(label_prob, abs=1e-5)
    assert np.concatenate([found[1] for found in answers]) == pytest.approx(style, abs=1e-4)


def test_whoever_has_gone_is_not_answered(pair, mnist) -> None:
    engine = Engine(pair / "encoder.onnx", "cpu", threads=1)
    image = to_float(mnist.test_image[:1])[:, None]

    async def ask() -> None:
        gone = asyncio.ensure_future(engine.encode(image))
        await asyncio.sleep(0)
        gone.cancel()
        engine.start()
        assert (await engine.encode(image))[0] is not None

    asyncio.run(ask())
    engine.close()


def test_a_fault_is_raised_where_it_was_asked(pair, monkeypatch) -> None:
    monkeypatch.setattr("aaecli.web.engine.decoder_beside", lambda _: None)
    engine = Engine(pair / "encoder.onnx", "cpu", threads=1)
    engine.start()
    with pytest.raises(AaeError, match="generates nothing"):
        asyncio.run(engine.decode(None, np.zeros((1, 3), np.float32)))
    engine.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_leaves_nobody_waiting(pair) -> None:
    engine = Engine(pair / "encoder.onnx", "cpu", threads=1)
    engine.start()
    for _ in range(3):
        with pytest.raises(AaeError, match="server failed"):
            asyncio.run(engine.call(lambda _: 1 / 0))
    assert asyncio.run(engine.call(lambda pair: pair is engine.first)), "another thread has taken its place"
    engine.close()


def test_threads_are_started_as_jobs_wait_for_them(pair, mnist) -> None:
    engine = Engine(pair / "encoder.onnx", "cpu", threads=3)
    image = to_float(mnist.test_image[:4])[:, None]
    meeting = threading.Barrier(3)
    engine.start()

    def read(own: Pair):
        return threading.current_thread().name, own.encoder(image)[0]

    def meet(own: Pair):
        meeting.wait(60)
        return read(own)

    async def ask(work) -> list:
        return await asyncio.gather(*(engine.call(work) for _ in range(meeting.parties)))

    for _ in range(5):
        assert asyncio.run(engine.call(read))[0] == "engine-0", "one request at a time needs one thread"
    answers = asyncio.run(ask(meet))
    engine.close()
    assert {name for name, _ in answers} == {"engine-0", "engine-1", "engine-2"}
    assert all((found == answers[0][1]).all() for _, found in answers)


def test_only_so_many_are_let_in(pair) -> None:
    engine = Engine(pair / "encoder.onnx", "cpu", capacity=2)
    with engine.admitted(), engine.admitted():
        with pytest.raises(Busy), engine.admitted():
            pass
        assert engine.in_flight == 2
    assert engine.in_flight == 0


def test_a_full_queue_is_told_at_once(client: TestClient, service, digit) -> None:
    engine, gate = service.model.engine, threading.Event()
    inside = threading.Barrier(engine.threads + 1)

    def hold(_) -> None:
        inside.wait(10)
        gate.wait(10)

    loop = client.portal
    held = [loop.start_task_soon(engine.call, hold) for _ in range(engine.threads)]
    inside.wait(10)
    waiting = [loop.start_task_soon(_as_request, service) for _ in range(engine.capacity)]
    while engine.in_flight < engine.capacity:
        pass
    answer = client.post("/api/v1/classify", content=digit, headers={"Content-Type": "image/png"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert client.get("/v2/health/live").status_code == 200
    gate.set()
    for task in (*held, *waiting):
        task.result(10)
    assert client.post("/api/v1/classify", content=digit, headers={"Content-Type": "image/png"}).status_code == 200


async def _as_request(service) -> None:
    with service.admitted():
        await service.model.engine.call(lambda _: None)


def test_a_request_of_many_pictures_lets_others_in(monkeypatch, digit) -> None:
    preparing = Preparing()
    monkeypatch.setattr(preparing, "_count", 2)  # whatever the machine has
    submit, order = preparing._pool.submit, []

    def noted(function, pictures, recipe):
        order.append(pictures[0].name[0])
        return submit(function, pictures, recipe)

    async def ask() -> None:
        many = [Encoded(f"many {number}", digit) for number in range(80)]
        first = asyncio.ensure_future(preparing(many, Recipe()))
        await asyncio.sleep(0)
        await preparing([Encoded("one", digit)], Recipe())
        assert [name for batch in await first for name in batch.names] == [picture.name for picture in many]

    monkeypatch.setattr(preparing._pool, "submit", noted)
    asyncio.run(ask())
    preparing.close()
    assert order.index("o") < len(order) - 1, "the one picture did not wait for all of the others"


def test_a_process_that_was_killed_is_replaced(monkeypatch, digit) -> None:
    preparing = Preparing()

    async def ask() -> None:
        pool = preparing._pool

        def broken(*_):
            raise BrokenProcessPool

        monkeypatch.setattr(pool, "submit", broken)
        with pytest.raises(AaeError, match="ended from outside"):
            await preparing([Encoded("x", digit)], Recipe())
        assert preparing._pool is not pool
        (batch,) = await preparing([Encoded("x", digit)], Recipe())
        assert batch.names == ["x"]

    asyncio.run(ask())
    preparing.close()
