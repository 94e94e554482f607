"""Opens and closes a subscription again and again while updates pour in, in its own process."""

import sys
import threading
import time

from p4p.client.thread import Context
from p4p.nt import NTScalar
from p4p.server.thread import SharedPV
from pva_alone import served

from drivers.pva_subscription import closable

TIMES = 400


def main(guarded: bool) -> None:
    pv = SharedPV(nt=NTScalar("d"), initial=0.0)
    over = threading.Event()

    def pour() -> None:
        number = 0.0
        while not over.is_set():
            number += 1.0
            pv.post(number)

    with served({"hammer": pv}) as server:
        thread = threading.Thread(target=pour)
        thread.start()
        with Context("pva", conf=server.conf(), useenv=False) as client:
            for _ in range(TIMES):
                seen = threading.Event()
                subscription = client.monitor("hammer", lambda _value, seen=seen: seen.set())
                if guarded:
                    closable(subscription)
                subscription._event()
                assert seen.wait(10.0)
                time.sleep(0.001)
                subscription.close()
        over.set()
        thread.join()
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(sys.argv[1] == "guarded")
