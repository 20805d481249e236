"""What a browser complains about while a test uses it: errors, refusals of the policy, failed requests."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, Response, WebError

# Said by the browser for each answer of 400 and above; those are judged by `_answered`.
REPEATED = "Failed to load resource: the server responded with a status of"
LEFT = "net::ERR_ABORTED"  # a page was left while something still loaded


class Watch:
    """Collects from every page of the contexts it was put on."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._statuses: set[int] = set()
        self._texts: list[str] = []

    def expects(self, *wanted: int | str) -> None:
        """Statuses that a test provokes, or parts of what the browser will say."""
        for one in wanted:
            if isinstance(one, int):
                self._statuses.add(one)
            else:
                self._texts.append(one)

    def put_on(self, context: BrowserContext) -> None:
        """From now on everything in the context is heard, popups too."""
        context.on("console", self._said)
        context.on("weberror", self._threw)
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)
        context.on("page", self._opened)

    def _add(self, problem: str) -> None:
        if not any(text in problem for text in self._texts):
            self.problems.append(problem)

    def _opened(self, page: Page) -> None:
        page.on("dialog", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(REPEATED):
            self._add(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _threw(self, error: WebError) -> None:
        self._add(f"uncaught: {error.error}")

    def _failed(self, request: Request) -> None:
        if request.failure != LEFT:
            self._add(f"failed: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self._statuses:
            self._add(f"{response.status}: {response.request.method} {response.url}")

    def _asked(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()
