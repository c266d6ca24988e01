"""A local server that speaks OpenAI's chat completions and misbehaves as it is told."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ChatServer(ThreadingHTTPServer):
    """Answers "Content: X" with a pair about X, after what `misdeeds` says for X: one for each time that X is asked.

    asked: the caption of each request, in order; bodies and headers likewise; most: requests at the same time.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.misdeeds: dict[str, list[str]] = defaultdict(list)
        self.formats = {"json_schema", "json_object", "text"}
        self.format_error = (400, "'response_format.type' is not known")  # for the others
        self.pause = 0.0
        self.asked: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.running = self.most = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what the tests are about."""


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    server = ChatServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def right_answer(caption: str) -> str:
    return json.dumps({"neutral_prompt": caption, "emotional_prompt": f"{caption} under a stormy sky"})


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        content = body["messages"][-1]["content"]
        text = content if isinstance(content, str) else content[0]["text"]
        caption = re.search("Content: (.*)", text)[1]  # type: ignore[index]
        server = self.server
        with server.lock:
            server.asked.append(caption)
            server.bodies.append(body)
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            server.times.append(time.monotonic())
            server.running += 1
            server.most = max(server.most, server.running)
            misdeed = server.misdeeds[caption].pop(0) if server.misdeeds[caption] else "right"
        try:
            time.sleep(server.pause)
            if body["response_format"]["type"] not in server.formats:
                self.error(*server.format_error, code="invalid")
            else:
                getattr(self, f"do_{misdeed}")(caption)
        finally:
            with server.lock:
                server.running -= 1

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def error(self, status: int, message: str, code: str | None = None, **headers: str) -> None:
        self.send(status, json.dumps({"error": {"message": message, "code": code, "type": code}}).encode(), **headers)

    def complete(self, content: str | None, *, refusal: str | None = None, reason: str = "stop", usage: Any = "some") -> None:
        message = {"role": "assistant", "content": content, "refusal": refusal}
        counted = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110} if usage == "some" else usage
        choice = {"index": 0, "message": message, "finish_reason": reason}
        made = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": counted}
        self.send(200, json.dumps(made).encode())

    def do_right(self, caption: str) -> None:
        self.complete(right_answer(caption))

    def do_uncounted(self, caption: str) -> None:
        self.complete(right_answer(caption), usage=None)

    def do_fenced(self, caption: str) -> None:
        self.complete(f"Certainly!\n```json\n{right_answer(caption)}\n```")

    def do_slow(self, caption: str) -> None:
        time.sleep(1.0)
        self.do_right(caption)

    def do_trickle(self, caption: str) -> None:
        """Never silent for long, and never done."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(20):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.05)

    def do_busy(self, caption: str) -> None:
        self.error(429, "slow down", Retry_After="0.3")

    def do_broken(self, caption: str) -> None:
        self.error(500, "oh dear")

    def do_html(self, caption: str) -> None:
        self.send(200, b"<html>Bad gateway</html>", Content_Type="text/html")

    def do_no_json(self, caption: str) -> None:
        self.send(200, b'{"id": "x", "choices": [')

    def do_empty(self, caption: str) -> None:
        self.send(200, b"")

    def do_stranger(self, caption: str) -> None:
        self.send(200, b'{"hello": "world"}')

    def do_no_choice(self, caption: str) -> None:
        self.send(200, b'{"id": "x", "object": "chat.completion", "choices": []}')

    def do_cut(self, caption: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"id": "x", "choi')
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def do_hang_up(self, caption: str) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def do_prose(self, caption: str) -> None:
        self.complete("I would rather talk about something else.")

    def do_half_json(self, caption: str) -> None:
        self.complete('{"neutral_prompt": "a dog", "emotional_pro', reason="length")

    def do_other_names(self, caption: str) -> None:
        self.complete('{"neutral": "a dog", "emotional": "a sad dog"}')

    def do_numbers(self, caption: str) -> None:
        self.complete('{"neutral_prompt": 1, "emotional_prompt": [2]}')

    def do_same_twice(self, caption: str) -> None:
        self.complete('{"neutral_prompt": "A dog", "emotional_prompt": "a  dog"}')

    def do_blank(self, caption: str) -> None:
        self.complete('{"neutral_prompt": " ", "emotional_prompt": "a dog"}')

    def do_nothing(self, caption: str) -> None:
        self.complete(None)

    def do_refusal(self, caption: str) -> None:
        self.complete(None, refusal="I cannot help with that.")

    def do_filtered(self, caption: str) -> None:
        self.complete("", reason="content_filter")

    def do_filter_400(self, caption: str) -> None:
        self.error(400, "flagged", code="content_filter")

    def do_too_long(self, caption: str) -> None:
        self.error(400, "context length exceeded", code="context_length_exceeded")

    def do_bad_key(self, caption: str) -> None:
        self.error(401, f"Incorrect API key provided: {self.headers['authorization']}", code="invalid_api_key")

    def do_no_money(self, caption: str) -> None:
        self.error(429, "You exceeded your current quota", code="insufficient_quota")

    def do_no_model(self, caption: str) -> None:
        self.error(404, "The model does not exist", code="model_not_found")

    def do_echo(self, caption: str) -> None:
        self.error(403, f"not with {self.headers['authorization']}")
