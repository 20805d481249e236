"""The Content-Security-Policy: the form of Django 6, on every answer."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.test import Client, RequestFactory

from runtime.web.security import HEADER, ContentSecurityPolicyMiddleware, build_policy

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def test_it_allows_only_what_is_ours() -> None:
    assert build_policy(settings.SECURE_CSP) == POLICY


def test_it_stands_on_pages_errors_and_redirects(client: Client, db: None) -> None:
    for path in ("/sign-in/", "/", "/no/such/page/", "/api/v1/runs"):
        assert client.get(path).headers[HEADER] == POLICY, path


def test_it_answers_a_foreign_host_with_a_sentence(client: Client) -> None:
    answer = client.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "names a host that is not in" in answer.content.decode()
    assert "evil.example" not in answer.content.decode()


def test_it_leaves_the_policy_of_an_answer_alone() -> None:
    def view(request: object) -> HttpResponse:
        return HttpResponse(headers={HEADER: "sandbox"})

    response = ContentSecurityPolicyMiddleware(view)(RequestFactory().get("/"))
    assert response.headers[HEADER] == "sandbox"
