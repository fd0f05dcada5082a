"""What may be sent as a body at all: its JSON, its type, its size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.http.service import JSON, HttpTests, Person, code, flaws
from todo.entrypoints.http.bodies import MOST_VALUES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MEBIBYTE = 1024 * 1024
READERS = [
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/tasks"),
    ("PATCH", "/api/tasks/{id}"),
    ("PUT", "/api/tasks/{id}"),
    ("PATCH", "/api/tasks/{id}/complete"),
]

NOT_JSON = [
    b"{",
    b"}",
    b"{title: 1}",
    b"{'title': 'a'}",
    b'{"title": "a",}',
    b'{"title": "a"} {}',
    b'{"title": "a\nb"}',
    b'{"title": "\\x"}',
    b'{"title": undefined}',
    b'{"title": 01}',
    b"title=a",
    b" ",
    b"-",
    b"\x00",
    b"\xef\xbb\xbf{}",
    b'{"title": "\xff"}',
    b'{"title": "\xed\xa0\x80"}',
    b'{"title": "\xc0\x80"}',
    '{"title": "a"}'.encode("utf-16"),
    b"[" * 100_000,
    b'{"title":' * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
]


class BodyTests(HttpTests):
    @pytest.fixture(params=READERS, ids=" ".join)
    async def send(self, request: pytest.FixtureRequest, ada: Person) -> Any:
        """Sends a body to each route that reads one."""
        method, template = request.param
        path = template.format(id=(await ada.add())["id"])

        async def send(content: bytes | AsyncIterator[bytes], **headers: str) -> Any:
            spelled = {name.replace("_", "-"): value for name, value in headers.items()}
            return await ada.request(method, path, content=content, headers={"Content-Type": JSON, **spelled})

        return send


class MalformedBodies(BodyTests):
    async def test_what_is_not_json_in_utf8_is_malformed(self, send: Any) -> None:
        for content in NOT_JSON:
            assert code(await send(content)) == (400, "malformed_json"), content[:24]

    async def test_what_is_no_object_is_refused(self, send: Any) -> None:
        for content in (b"[]", b"[{}]", b'"title"', b"1", b"1e999", b"-0", b"true", b"null"):
            assert flaws(await send(content)) == {"body": "wrong_type"}, content

    async def test_the_same_name_twice_is_no_fault_of_ours(self, send: Any) -> None:
        assert (await send(b'{"title": 1, "title": 2, "completed": 1, "completed": 2}')).status_code == 422

    async def test_no_number_is_too_strange_to_be_refused(self, send: Any) -> None:
        for value in (b"NaN", b"-Infinity", b"1e999", b"-1e-999", b"1" + b"0" * 4_000, b"1" + b"0" * 5_000):
            answer = await send(b'{"email": %b, "title": %b, "completed": %b}' % (value, value, value))
            assert answer.status_code in {400, 422}, value[:24]
            assert (await send(value)).status_code in {400, 422}, value[:24]

    async def test_no_value_is_too_strange_to_be_ignored(self, ada: Person) -> None:
        path = ada.path(await ada.add())
        for value in (b"1e999", b"1" + b"0" * 4_000, b"[" * 90 + b"]" * 90):
            answer = await ada.patch(path, content=b'{"revision": %b}' % value, headers={"Content-Type": JSON})
            assert answer.status_code in {200, 400}, value[:24]

    @pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity"])
    async def test_what_is_no_number_in_json_is_malformed_even_where_it_is_ignored(
        self, send: Any, ada: Person, value: bytes
    ) -> None:
        assert code(await send(b'{"title": %b}' % value)) == (400, "malformed_json")
        path, headers = ada.path(await ada.add()), {"Content-Type": JSON}
        assert code(await ada.patch(path, content=b'{"revision": %b}' % value, headers=headers)) == (
            400,
            "malformed_json",
        )
        in_words = await ada.patch(path, content=b'{"title": "%b, not %b"}' % (value, value), headers=headers)
        assert in_words.json()["title"] == f"{value.decode()}, not {value.decode()}"

    async def test_names_can_be_any_text(self, send: Any) -> None:
        for name in (b"", b"\\u0000", b"\\ud800", b"__proto__", b"a" * 10_000, b"\xf0\x9f\x98\x80", b"model_config"):
            assert (await send(b'{"%b": 1}' % name)).status_code in {400, 422}


class EmptyBodies(HttpTests):
    @pytest.mark.parametrize(("method", "template"), READERS[:-1])
    async def test_a_body_is_needed(self, ada: Person, method: str, template: str) -> None:
        path = template.format(id=(await ada.add())["id"])
        answer = await ada.request(method, path, headers={"Content-Type": JSON})
        assert code(answer) == (400, "malformed_json")

    async def test_to_toggle_none_is_needed_whatever_its_type_is_said_to_be(self, ada: Person) -> None:
        path = ada.path(await ada.add(), "/complete")
        for media_type in (JSON, "text/plain", ""):
            assert (await ada.patch(path, headers={"Content-Type": media_type})).status_code == 200


class MediaTypes(BodyTests):
    async def test_json_is_read_under_either_name(self, send: Any) -> None:
        for media_type in (
            JSON,
            "application/json; charset=utf-8",
            "Application/JSON ;charset=UTF-8",
            "application/merge-patch+json",
        ):
            assert (await send(b"[]", Content_Type=media_type)).status_code == 422, media_type

    async def test_anything_else_is_not(self, send: Any) -> None:
        for media_type in ("", "text/plain", "text/json", "application/x-www-form-urlencoded", "application", "*/*"):
            assert code(await send(b"{}", Content_Type=media_type)) == (415, "unsupported_media_type"), media_type


class Sizes(BodyTests):
    async def test_a_mebibyte_is_read(self, send: Any) -> None:
        assert (await send(b"[]".ljust(MEBIBYTE))).status_code == 422

    async def test_a_byte_more_is_too_large(self, send: Any) -> None:
        assert code(await send(b"[]".ljust(MEBIBYTE + 1))) == (413, "too_large")

    async def test_a_body_that_does_not_tell_its_length_is_measured(self, send: Any) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(MEBIBYTE // 4096 + 1):
                yield b" " * 4096

        assert code(await send(chunks())) == (413, "too_large")

    async def test_a_body_that_lies_about_its_length_is_measured_too(self, send: Any) -> None:
        assert code(await send(b"[]".ljust(MEBIBYTE + 1), Content_Length="2")) == (413, "too_large")

    async def test_a_large_announcement_is_enough(self, send: Any) -> None:
        was_read = False

        async def body() -> AsyncIterator[bytes]:
            nonlocal was_read
            was_read = True
            yield b""

        assert code(await send(body(), Content_Length=str(MEBIBYTE + 1))) == (413, "too_large")
        assert not was_read

    @pytest.mark.parametrize("coding", ["gzip", "br", "x", "identity, gzip"])
    async def test_a_body_that_would_have_to_be_unpacked_is_not(self, send: Any, coding: str) -> None:
        assert code(await send(b"{}", Content_Encoding=coding)) == (415, "unsupported_media_type")

    async def test_one_that_says_it_is_not_packed_is_read(self, send: Any) -> None:
        assert (await send(b"[]", Content_Encoding="identity")).status_code == 422

    @pytest.mark.parametrize(
        "body",
        [
            b"{%b}" % b",".join(b'"%d": 0' % number for number in range(MOST_VALUES + 1)),
            b"[%b]" % b",".join([b"0"] * (MOST_VALUES + 1)),
            b'{"operations": [%b]}' % b",".join([b'{"op": "create"}'] * (MOST_VALUES + 1)),
            b'{"tags": [[%b]]}' % b",".join([b'"a"'] * (MOST_VALUES + 1)),
        ],
    )
    async def test_more_values_than_anything_has_are_refused_without_a_look_at_them(
        self, send: Any, body: bytes
    ) -> None:
        assert flaws(await send(body)) == {"body": "too_many"}

    async def test_as_many_values_as_there_may_be_are_looked_at(self, send: Any) -> None:
        body = b"[%b]" % b",".join([b'","'] * MOST_VALUES)
        assert flaws(await send(body)) == {"body": "wrong_type"}

    async def test_what_is_not_even_json_is_told_so_however_long(self, send: Any) -> None:
        for body in (b"," * 2 * MOST_VALUES, b"[" * 2 * MOST_VALUES + b"," * 2 * MOST_VALUES):
            assert code(await send(body)) == (400, "malformed_json")

    async def test_commas_in_a_text_are_no_values(self, ada: Person) -> None:
        batch = [{"op": "create", "task": {"title": "A", "description": "," * 5000}} for _ in range(3)]
        assert (await ada.post(f"{ada.home}/batch", body={"operations": batch})).status_code == 200
