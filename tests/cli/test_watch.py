"""What `atta-daq watch` refuses before it listens."""

import socket
from pathlib import Path


def test_the_page_is_refused_on_an_open_address_without_a_token(call, tmp_path: Path) -> None:
    for listen in ("0.0.0.0:0", "[::]:0", "192.168.1.10:8819"):
        call("watch", "--listen", listen).refused(f"--listen: {listen}", "--token-file")
    call("watch", "--listen", "nowhere").refused("--listen", "'nowhere' is no address")
    call("watch", "--connect", ":5075").refused("--connect", "is no address")
    bad = tmp_path / "token"
    bad.write_text("short")
    bad.chmod(0o600)
    call("watch", "--listen", "0.0.0.0:0", "--token-file", bad).refused("too few")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        call("watch", "--listen", where).refused(f"--listen: {where}", "in use")
