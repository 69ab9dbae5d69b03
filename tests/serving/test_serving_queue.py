"""Many requests at a time: asked together, refused or dropped in time, and none harms another."""

import contextlib
import dataclasses
import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import processes
import served
from served import BATCH, PREDICT, in_process, one
from served import pictures as pictures
from served import server as server
from served import subject as subject

from tenfold.core.columns import Columns
from tenfold.data.inputs import tables
from tenfold.run.run import Run

# --- many at a time ---


def test_waiting_requests_go_in_together_and_keep_their_answers(server, subject, pictures):
    want = [each["label"] for each in in_process(subject.run, pictures)]
    before = server.counts()
    bodies = [json.dumps(one(path.read_bytes())).encode() for path in pictures]

    def client(number: int) -> list[str]:
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=served.PATIENCE)
        found = []
        for turn in range(10):
            body = bodies[(number + turn) % len(bodies)]
            line.request("POST", PREDICT, body, {"content-type": "application/json"})
            found.append(json.loads(line.getresponse().read())["predictions"][0]["label"])
        line.close()
        return found

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(client, range(16)))
    assert found == [[want[(n + turn) % len(want)] for turn in range(10)] for n in range(16)]
    after = server.counts()
    rows, batches = (
        after[f'tenfold_{name}_total{{model="run"}}']
        - before[f'tenfold_{name}_total{{model="run"}}']
        for name in ("rows", "batches")
    )
    assert rows == 160 and batches < 120, "nothing was asked together"


@dataclasses.dataclass
class Held:
    """A network that answers nothing while it is held; `sizes` are the batches it was asked."""

    run: Run
    sizes: list[int] = dataclasses.field(default_factory=list)
    asked: threading.Event = dataclasses.field(default_factory=threading.Event)
    go_on: threading.Event = dataclasses.field(default_factory=threading.Event)

    @contextlib.contextmanager
    def served(self, **settings):
        """A server of the run, ready; from now on the network is held until `go_on` is set."""
        self.go_on.set()
        with served.thread([dataclasses.replace(self.run, infer=self.infer)], **settings) as found:
            self.sizes.clear()
            self.asked.clear()
            self.go_on.clear()
            try:
                yield found
            finally:
                self.go_on.set()

    def infer(self, columns: Columns):
        self.sizes.append(columns.rows)
        self.asked.set()
        assert self.go_on.wait(served.PATIENCE)
        return self.run.infer(columns)


def accepted(server: served.Served, rows: int) -> None:
    """Waits until so many rows are in the queue or being answered."""
    (batcher,) = server.server.service.batchers
    processes.wait_for(lambda: batcher.held == rows)


def later(work, *args) -> threading.Thread:
    thread = threading.Thread(target=work, args=args, daemon=True)
    thread.start()
    return thread


def test_only_equal_wishes_go_in_together(subject, pictures):
    held = Held(subject.run)
    bodies = [one(pictures[0].read_bytes(), top=top) for top in (0, 1, 2, 1, 2, 1)]
    with ThreadPoolExecutor(6) as pool, held.served() as server:
        first = pool.submit(server.post, PREDICT, bodies[0])
        assert held.asked.wait(served.PATIENCE)
        rest = [pool.submit(server.post, PREDICT, body) for body in bodies[1:]]
        accepted(server, 6)
        held.go_on.set()
        found = [each.result().json()["predictions"][0] for each in (first, *rest)]
    assert [len(each["probabilities"]) for each in found] == [3, 1, 2, 1, 2, 1]
    assert sorted(held.sizes) == [1, 2, 3]


def test_a_full_queue_refuses_at_once(subject, pictures):
    held = Held(subject.run)
    body = one(pictures[0].read_bytes())
    with ThreadPoolExecutor(8) as pool, held.served(queue=2) as server:
        good = [pool.submit(server.post, PREDICT, body) for _ in range(2)]
        accepted(server, 2)
        full = [server.post(PREDICT, body) for _ in range(6)]  # while the two are being answered
        assert [(each.status, each.code) for each in full] == [(503, "busy")] * 6
        assert all(each.headers["retry-after"] == "1" for each in full)
        held.go_on.set()
        assert [each.result().status for each in good] == [200, 200]
        # More things than may wait: taken by an empty queue, as it could never be taken otherwise.
        many = {"inputs": [body["inputs"]] * 5}
        assert server.post(BATCH, many).status == 200
        assert server.post(PREDICT, body).status == 200


def test_nobody_waits_longer_than_allowed(subject, pictures):
    held = Held(subject.run)
    bodies = [one(pictures[0].read_bytes(), top=top) for top in (0, 1, 2)]  # never in one batch
    with ThreadPoolExecutor(3) as pool, held.served(timeout=3.0) as server:
        first = pool.submit(server.post, PREDICT, bodies[0])
        assert held.asked.wait(served.PATIENCE)
        rest = [pool.submit(server.post, PREDICT, body) for body in bodies[1:]]
        assert [each.result().status for each in (first, *rest)] == [504] * 3, "it is still held"
        held.go_on.set()
        accepted(server, 0)
        assert held.sizes == [1], "what nobody waited for was asked all the same"
        assert server.post(PREDICT, bodies[0]).status == 200


def test_work_of_those_who_left_is_dropped(subject, pictures):
    held = Held(subject.run)
    body = json.dumps(one(pictures[0].read_bytes())).encode()
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with held.served() as server:
        first = later(server.post, PREDICT, body)
        assert held.asked.wait(served.PATIENCE)
        with contextlib.ExitStack() as lines:
            for _ in range(4):
                lines.enter_context(server.line()).sendall(request)
            accepted(server, 5)
        server.get("/live")  # the event loop has seen that they left
        held.go_on.set()
        first.join()
        assert server.post(PREDICT, body).status == 200
        assert sum(held.sizes) == 2
        route = 'model="run",route="/v1/models/{id}/predict"'
        left = f'tenfold_requests_total{{method="POST",{route},status="499"}}'
        processes.wait_for(lambda: server.counts().get(left) == 4)


# --- what goes wrong inside ---


def test_a_bad_row_harms_nobody(subject, pictures):
    poison = pictures[0].read_bytes()

    def infer(columns: Columns):
        image = columns.take(np.arange(columns.rows))["image"]
        if (image == poisoned).all((1, 2, 3)).any():
            raise ValueError("poison")
        return subject.run.infer(columns)

    run = subject.run
    table = next(tables(run.task.inputs(run.facts), str(pictures[0])))
    poisoned = run.task.encode(table, run.facts).columns["image"][0]
    contents = [pictures[1].read_bytes(), poison, pictures[2].read_bytes()]
    with served.thread([dataclasses.replace(run, infer=infer)]) as server:
        many = {"inputs": [{"image": served.coded(each)} for each in contents]}
        first, second, third = server.post(BATCH, many).json()["results"]
        assert first["predictions"] and third["predictions"]
        assert second == {"error": {"code": "internal"}}
        reply = server.post(PREDICT, one(poison))
        assert (reply.status, reply.code) == (500, "internal")
        assert server.post(PREDICT, one(contents[0])).status == 200


def test_an_answer_that_is_no_number_is_no_answer(subject, pictures):
    def infer(columns: Columns):
        found = subject.run.infer(columns)
        return {name: np.full_like(value, np.nan) for name, value in found.items()}

    with served.thread([dataclasses.replace(subject.run, infer=infer)], ready=False) as server:
        processes.wait_for(lambda: server.get("/live").status == 200)
        reply = server.post(PREDICT, one(pictures[0].read_bytes()))
        assert (reply.status, reply.code) == (500, "answer-not-finite")
        assert server.get("/ready").status == 503, "a model that cannot answer is never ready"


def test_ready_only_after_the_first_prediction(subject, pictures):
    hold = threading.Event()

    def infer(columns: Columns):
        assert hold.wait(served.PATIENCE)
        return subject.run.infer(columns)

    with served.thread([dataclasses.replace(subject.run, infer=infer)], ready=False) as server:
        processes.wait_for(lambda: server.get("/live").status == 200)
        reply = server.get("/ready")
        assert (reply.status, reply.code) == (503, "not-ready")
        hold.set()
        processes.wait_for(lambda: server.get("/ready").status == 200)
        assert server.post(PREDICT, one(pictures[0].read_bytes())).status == 200
