"""The answer to whoever is not signed in, most often because the session ended in another tab.

A page read: to the sign-in page, and back afterwards. A fragment: 401 and one sentence, and the window stays
where it is, with what is being typed in it. An act: 401 and a page that says that nothing was recorded and
gives back what was typed.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse

READING = ("GET", "HEAD")
NOTE = "You are signed out: sign in in another tab, what you typed stays."
#: What people type, by the field's name. Whatever else a form carries (a token, a digest) is not theirs.
TYPED = {
    "input": "Message",
    "reason": "Reason",
    "content": "Answer",
    "result": "Result",
}
ARGUMENT = "arg."


def answer(request: HttpRequest) -> HttpResponse:
    """To a request of nobody."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(NOTE, status=401, content_type="text/plain; charset=utf-8")
    if request.method in READING:
        return HttpResponseRedirect(sign_in_address(request.get_full_path()))
    ctx = {"typed": typed(request.POST), "sign_in": sign_in_address(_way_back(request))}
    return render(request, "sign_in/signed_out.html", ctx, status=401)


def sign_in_address(then: str) -> str:
    """The sign-in page that goes on to `then`; it takes only a path of ours."""
    return f"{reverse('sign_in')}?{urlencode({'next': then})}"


def typed(form: QueryDict) -> list[tuple[str, str]]:
    """Label and text of the form's fields that a person typed into, without empty ones."""
    named = [(_label(name), str(form[name])) for name in form if _label(name)]
    return [(label, text) for label, text in named if text.strip()]


def _label(name: str) -> str:
    return name.removeprefix(ARGUMENT) if name.startswith(ARGUMENT) else TYPED.get(name, "")


def _way_back(request: HttpRequest) -> str:
    """The page that the form stood on; when that cannot be opened (a refused form stands at its own address),
    the nearest page above it."""
    parts = urlsplit(request.headers.get("Referer", ""))
    ours = parts.netloc == request.get_host() and parts.path != reverse("sign_in")
    path, query = (parts.path, parts.query) if ours else (request.path, "")
    if _opens(path):
        return f"{path}?{query}" if query else path
    while not _opens(path) and path != "/":
        path = path.rstrip("/").rpartition("/")[0] + "/"
    return path


def _opens(path: str) -> bool:
    """Whether this is the address of something to read."""
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    return "GET" in getattr(view, "methods", READING)
