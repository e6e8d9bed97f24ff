"""The page for people: Swagger UI on the API's own description, with nothing from elsewhere.

FastAPI's page takes its program and style from a public server, so without a network it stays
empty. `fastapi-offline` brings them along.
"""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

PAGE = "/docs"
ASSETS = "/docs/assets"


def add_documentation_page(app: FastAPI) -> None:
    """Show the API under `/docs`."""

    async def page(_: Request) -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=app.openapi_url or "/openapi.json",
            title=app.title,
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon.png",
        )

    app.mount(ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")))
    app.add_route(PAGE, page, include_in_schema=False)
