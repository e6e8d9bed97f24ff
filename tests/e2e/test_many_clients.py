"""Many clients that append at the same time, over real HTTP."""

import threading
from collections import Counter
from pathlib import Path

from tests.e2e.service import running_service

CLIENTS = 16
APPENDS = 200


def test_every_append_of_many_clients_is_there_once(tmp_path: Path) -> None:
    answers: Counter[int] = Counter()
    lock = threading.Lock()
    with running_service(tmp_path / "home") as service:
        with service.client() as client:
            columns = [{"name": "client", "type": "INTEGER"}, {"name": "n", "type": "INTEGER"}]
            assert client.post("/tables", json={"name": "t", "columns": columns}).is_success

        def appends(number: int) -> None:
            with service.client() as client:
                for n in range(APPENDS):
                    rows = [{"client": number, "n": n}]
                    status = client.put("/tables/t", json=rows).status_code
                    with lock:
                        answers[status] += 1

        clients = [threading.Thread(target=appends, args=(number,)) for number in range(CLIENTS)]
        for each in clients:
            each.start()
        for each in clients:
            each.join()
        with service.client() as client:
            sql = (
                "SELECT count(*) AS n, count(DISTINCT (client, n)) AS different, "
                "max(n) AS greatest FROM t"
            )
            (found,) = client.post("/query", json={"sql": sql}).json()["rows"]
            # Appends of one client wait for each other, so they lie in its order.
            sql = "SELECT client, list(n ORDER BY rowid) AS ns FROM t GROUP BY client"
            ordered = client.post("/query", json={"sql": sql}).json()["rows"]
    assert answers == {200: CLIENTS * APPENDS}
    assert found == {
        "n": CLIENTS * APPENDS,
        "different": CLIENTS * APPENDS,
        "greatest": APPENDS - 1,
    }
    assert [row["ns"] for row in ordered] == [list(range(APPENDS))] * CLIENTS
