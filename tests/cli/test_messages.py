"""`atta-daq messages`: a test by every channel of the rig file."""

from mail_servers import Hook, Mailbox, smtp_server, webhook_server


def test_a_test_goes_by_every_channel(call, write_rig, nothing_starts, tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret of the tests")
    secret.chmod(0o600)
    box, hook = Mailbox(), Hook()
    with smtp_server(box, starttls=False) as port, webhook_server(hook) as hook_port:
        config = {
            "email": {"server": "127.0.0.1", "port": port, "security": "none",
                      "sender": "atta-1@lab.example", "to": ["operator@lab.example"]},
            "webhook": {"url": f"http://127.0.0.1:{hook_port}/", "secret_file": str(secret)},
        }  # fmt: skip
        outcome = call("messages", "--config", write_rig("messages", config))
        assert outcome.code == 0, outcome
        assert outcome.out.splitlines() == [
            f"e-mail by 127.0.0.1:{port}: taken",
            "webhook at 127.0.0.1: taken",
        ]
        hook.status = 403
        outcome = call("messages", "--config", write_rig("messages", config))
        assert outcome.code == 3
        assert "webhook at 127.0.0.1: not sent: answered 403" in outcome.out
    assert "test: a test; nothing has happened" in box.messages[0]["Subject"]
    assert hook.letters[0]["events"][0]["kind"] == "test"


def test_a_rig_that_tells_nobody(call, write_rig, nothing_starts) -> None:
    call("messages", "--config", write_rig()).refused("no [messages.email]")
