import re

from tests.integration.rest.conftest import Api


def test_the_documentation_page_needs_no_other_server(api: Api) -> None:
    page = api.http.get("/docs")
    assert page.status_code == 200
    assert not re.findall(r"(?:src|href)=\"https?://", page.text)
    assets = re.findall(r"(?:src|href)=\"(/[^\"]+)\"", page.text)
    assert len(assets) == 3
    for asset in assets:
        answer = api.http.get(asset)
        assert answer.status_code == 200
        assert answer.content
    assert "/openapi.json" in page.text
