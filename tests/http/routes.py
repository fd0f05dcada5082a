"""What holds for every route that there is, taken from the OpenAPI document: a new route cannot be forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tests.builders import a_task_id
from tests.http.service import HttpTests, Options, Person, Service, as_object, code

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
PUBLIC = {
    *(f"/api/auth/{name}" for name in ("register", "login", "token", "refresh", "logout")),
    "/livez",
    "/readyz",
    "/problems/{code}",
}


class Operation(NamedTuple):
    """One operation of the document."""

    method: str
    template: str
    described: dict[str, Any]

    @property
    def is_stream(self) -> bool:
        """Whether its answer has no end."""
        return any("text/event-stream" in answer.get("content", {}) for answer in self.described["responses"].values())

    def path(self, **names: str) -> str:
        """Where it is for these names."""
        return self.template.format(
            **{"code": "stale", "user_id": "someone", "task_id": a_task_id(), "session_id": a_task_id(), **names}
        )


def operations(service: Service) -> Iterator[Operation]:
    """All that the service can be asked."""
    for template, described in service.app.openapi()["paths"].items():
        for method, operation in described.items():
            yield Operation(method.upper(), template, operation)


def with_example(service: Service, operation: Operation) -> Options:
    """The request body that the document shows for the operation."""
    for media_type, content in operation.described.get("requestBody", {}).get("content", {}).items():
        if media_type == "application/json":
            schema = content["schema"]
            if "$ref" in schema:
                schema = service.app.openapi()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            return {"body": schema["examples"][0]}
    return {}


class EveryRoute(HttpTests):
    async def test_it_has_a_second_door_if_it_is_about_tasks(self, service: Service) -> None:
        doors: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
        for operation in operations(service):
            if "/tasks" in operation.template or "/trash" in operation.template:
                path = operation.template.replace("/{user_id}", "")
                doors["{user_id}" in operation.template].add((operation.method, path))
        assert doors[True] == doors[False]

    async def test_it_needs_a_token_unless_it_is_public(self, service: Service) -> None:
        for operation in operations(service):
            answer = await service.request(operation.method, operation.path())
            is_private = answer.status_code == 401 and answer.json()["code"] == "invalid_token"
            assert is_private == (operation.template not in PUBLIC), operation.template
            assert is_private == bool(operation.described.get("security"))

    async def test_a_trailing_slash_makes_no_difference(self, service: Service) -> None:
        for operation in operations(service):
            path = operation.path()
            answers = [await service.request(operation.method, one) for one in (path, f"{path}/")]
            assert answers[0].status_code == answers[1].status_code, operation.template
            assert answers[0].status_code not in {404, 405}

    async def test_methods_that_it_does_not_know_are_refused_with_those_it_knows(
        self, service: Service, ada: Person
    ) -> None:
        known = list(operations(service))
        for template in {operation.template for operation in known}:
            path = Operation("", template, {}).path(user_id=ada.id)
            allowed = {one.method for one in known if one.template == template}
            allowed |= {"HEAD"} if "GET" in allowed else set()
            for method in set(METHODS) - allowed:
                for person in (ada, service):
                    answer = await person.request(method, path)
                    assert answer.status_code == 405, (method, path)
                    assert set(answer.headers["Allow"].split(", ")) == allowed

    async def test_head_answers_like_get_without_the_body(self, service: Service, ada: Person) -> None:
        task = await ada.add()
        for operation in operations(service):
            if operation.method != "GET" or operation.is_stream:
                continue
            path = operation.path(user_id=ada.id, task_id=task["id"])
            got, headed = await ada.get(path), await ada.request("HEAD", path)
            assert headed.status_code == got.status_code
            assert _lasting(headed) == _lasting(got)

    async def test_the_second_door_is_shut_to_others(self, service: Service, ada: Person, bob: Person) -> None:
        task = await bob.add()
        for operation in operations(service):
            if "{user_id}" in operation.template:
                for name in (bob.id, "nobody", ada.id.upper(), f"{ada.id}%20", "%00", "tasks"):
                    path = operation.path(user_id=name, task_id=task["id"])
                    answer = await ada.request(operation.method, path, **with_example(service, operation))
                    if name != "tasks":  # which the first door may take for its own
                        assert code(answer) == (403, "not_your_user"), operation.template
        assert await bob.at(task) == task

    async def test_what_is_someone_elses_looks_like_nothing_at_all(
        self, service: Service, ada: Person, bob: Person
    ) -> None:
        task = await bob.add()
        for operation in operations(service):
            if "{task_id}" not in operation.template:
                continue
            for condition in ({}, {"If-Match": "*"}, {"If-Match": f'"{task["revision"]}"'}):
                options: Options = {**with_example(service, operation), "headers": condition}
                answers = [
                    await ada.request(operation.method, operation.path(user_id=ada.id, task_id=task_id), **options)
                    for task_id in (task["id"], str(a_task_id()))
                ]
                assert code(answers[0])[0] == 404
                assert _anonymous(answers[0]) == _anonymous(answers[1])
        assert await bob.at(task) == task


class Elsewhere(HttpTests):
    async def test_there_is_nothing(self, service: Service, ada: Person) -> None:
        for path in (
            "/",
            "//",
            "/api",
            "/api/",
            "/nowhere",
            "/api/tasks/1/2/3",
            "/API/tasks",
            "/api//tasks",
            "/api/tasks//",
        ):
            for person in (service, ada):
                for method in ("GET", "POST", "DELETE"):
                    assert code(await person.request(method, path)) == (404, "unknown_route")

    async def test_what_is_said_of_an_address_holds_no_sign_that_an_address_cannot(self, ada: Person) -> None:
        answer = await ada.get("/api/tasks/%C3%A9%20x")
        assert (code(answer), answer.json()["instance"]) == ((404, "not_found"), "/api/tasks/%C3%A9%20x")

    async def test_percent_escapes_in_a_path_are_read(self, ada: Person) -> None:
        task = await ada.add()
        assert as_object(await ada.get(f"/%61pi/{ada.id}/tasks/{task['id']}".replace("-", "%2D"))) == task


def _lasting(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


def _anonymous(answer: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    problem = {name: value for name, value in answer.json().items() if name not in {"request_id", "instance"}}
    return answer.status_code, problem, _lasting(answer) | {"content-length": ""}
