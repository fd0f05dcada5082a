"""The documentation as a page to try things out on.

Everything on it comes from the service itself, so it works offline. Swagger UI is taken from the package
`fastapi-swagger`: of all that carry it, the one that follows its releases and holds nothing else. Its files
were compared with the original's, `swagger-ui-dist`; none of its own code runs here.
"""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from todo.entrypoints.http.refusals import UnknownRouteError
from todo.entrypoints.http.routes import PlannedRoute

router = APIRouter(route_class=PlannedRoute, prefix="/docs", include_in_schema=False)

_PACKAGE = distribution("fastapi-swagger")
_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}

# Swagger UI draws some of its icons from data: URLs in its style sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PAGE = f"""\
<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>todo: the API</title>
  <link rel="icon" href="/docs/favicon-32x32.png?{_PACKAGE.version}">
  <link rel="stylesheet" href="/docs/swagger-ui.css?{_PACKAGE.version}">
</head>
<body>
  <main id="docs"><noscript>The API is described in <a href="/openapi.json">/openapi.json</a>.</noscript></main>
  <script src="/docs/swagger-ui-bundle.js?{_PACKAGE.version}"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
"""

# Without `validatorUrl: null` it would show the description to a validator on the internet.
_START = """\
SwaggerUIBundle({
  dom_id: "#docs",
  url: "/openapi.json",
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
});
"""


@router.get("")
async def page() -> Response:
    """The page."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"})


@router.get("/start.js")
async def start() -> Response:
    """What starts Swagger UI: a file of its own, because the policy allows no script in the page."""
    return Response(_START, media_type="text/javascript")


@router.get("/{name}")
async def file(request: Request) -> Response:
    """A file of Swagger UI. Its address names the version, so it may be kept for good."""
    name = request.path_params["name"]
    if name not in _FILES:
        raise UnknownRouteError
    path = Path(str(_PACKAGE.locate_file(f"fastapi_swagger/resources/{name}")))
    return FileResponse(path, media_type=_FILES[name], headers={"Cache-Control": "public, max-age=31536000, immutable"})
