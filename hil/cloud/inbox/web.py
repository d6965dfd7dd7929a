"""The page: what a car said to a person, what became of it, and buttons. Rendered here, no script needed.

Flask, because it brings routing, Jinja2 (the mails' too) and a test client, is well kept (Pallets) and known to most readers.
Its development server is enough for loopback, and is bound to nothing else.

| path | shows | does |
|---|---|---|
| GET /p/<link> | a person's messages | |
| GET /a/<link> | what the link would do, and one button | nothing: mail scanners follow links |
| POST /a/<link> | what came of it | answers, or stops; no redirect (RFC 8058) |
| GET /r/<link> | a report | |
| GET /c/<link> | the appointment as .ics | |

A link is signed (links.py), and is the permission: no cookie, so no other site can act for the person.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from flask import Flask, Response, render_template, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from agent.household import Language
from hil.cloud.inbox.frame import kind_word, place_word, slot_word, word
from hil.cloud.inbox.inbox import Inbox
from hil.cloud.inbox.letter import find_slot
from hil.cloud.inbox.links import BadLink, ToAnswer, ToCalendar, ToPage, ToReport, ToStop
from hil.cloud.inbox.mail import TEMPLATES, chosen_ics
from hil.cloud.inbox.people import Person
from hil.cloud.inbox.prompt import Prompt

LOOPBACK = "127.0.0.1"
STATUS = {"sent": 200, "already": 200, "gone": 410, "taken": 409}
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",  # the address of the page is the permission
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
A = TypeVar("A", ToPage, ToReport, ToCalendar)


def app(inbox: Inbox, clock: Callable[[], int]) -> Flask:
    """`clock`: UTC in ns."""
    flask = Flask(__name__, template_folder=str(TEMPLATES), static_folder=None)
    flask.jinja_env.trim_blocks = flask.jinja_env.lstrip_blocks = True
    flask.jinja_env.globals["word"] = word
    pages = _Pages(inbox, clock)
    flask.add_url_rule("/p/<token>", view_func=pages.person)
    flask.add_url_rule("/a/<token>", view_func=pages.ask, methods=["GET"])
    flask.add_url_rule("/a/<token>", view_func=pages.act, methods=["POST"])
    flask.add_url_rule("/r/<token>", view_func=pages.report)
    flask.add_url_rule("/c/<token>", view_func=pages.calendar)
    flask.register_error_handler(BadLink, pages.bad_link)
    flask.after_request(_safe)
    return flask


class Served:
    """The page on loopback, in a thread of its own, as a context."""

    def __init__(self, flask: Flask, port: int = 0) -> None:
        """`port` 0: a free one. Raises OSError."""
        self.server: BaseWSGIServer = make_server(LOOPBACK, port, flask, threaded=True, request_handler=_Silent)
        self.url = f"http://{LOOPBACK}:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, name="page", daemon=True)

    def __enter__(self) -> Served:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


class _Silent(WSGIRequestHandler):
    """An address is a permission: it is not written into a log."""

    def log(self, type: str, message: str, *args: object) -> None:
        pass


class _Pages:
    def __init__(self, inbox: Inbox, clock: Callable[[], int]) -> None:
        self.inbox, self.clock = inbox, clock

    def person(self, token: str) -> str:
        person = self.inbox.desk.book.people.get(self._aim(token, ToPage).person)
        if person is None:
            raise BadLink("not ours")
        letters = self.inbox.letters(person, self.clock())
        closings = dict.fromkeys((closing, letter.language) for letter in letters for closing in letter.closings)
        return render_template("page.html", language=person.language, letters=letters, closings=list(closings))

    def ask(self, token: str) -> tuple[str, int]:
        aim = self._press(token)
        prompts = self._prompts(aim)
        outcome = self.inbox.outcome(aim, self.clock()) if isinstance(aim, ToAnswer) else "sent"
        return self._answer_page(aim, prompts, outcome, is_asked=outcome == "sent"), STATUS[outcome]

    def act(self, token: str) -> tuple[str, int]:
        aim = self._press(token)
        prompts = self._prompts(aim)
        if isinstance(aim, ToStop):
            self.inbox.stop(aim, self.clock())
            return self._answer_page(aim, prompts, "sent", is_asked=False), 200
        outcome = self.inbox.press(aim, self.clock(), request.form.get("words", ""))
        return self._answer_page(aim, prompts, outcome, is_asked=False), STATUS[outcome]

    def report(self, token: str) -> str:
        aim = self._aim(token, ToReport)
        page = self.inbox.report(aim.unit, aim.report)
        if page is None:
            raise BadLink("gone")
        return page

    def calendar(self, token: str) -> Response:
        aim = self._aim(token, ToCalendar)
        with self.inbox.lock:
            body = chosen_ics(self.inbox.writer, aim.unit, aim.prompt_id, self.clock())
        if body is None:
            raise BadLink("gone")
        headers = {"Content-Disposition": 'attachment; filename="appointment.ics"'}
        return Response(body, content_type="text/calendar; charset=utf-8; method=PUBLISH", headers=headers)

    def bad_link(self, error: BadLink) -> tuple[str, int]:
        best = request.accept_languages.best_match(["en", "de"], "en")
        language: Language = "de" if best == "de" else "en"
        return render_template("bad_link.html", language=language, why=str(error)), 403 if str(error) == "not ours" else 410

    def _answer_page(self, aim: ToAnswer | ToStop, prompts: list[Prompt], outcome: str, *, is_asked: bool) -> str:
        language = prompts[0].release.message.language
        person = prompts[0].person
        return render_template(
            "answer.html",
            language=language,
            what=_what(aim, prompts[0], language, "stop_all", ""),
            said=_what(aim, prompts[0], language, "said_all", "said_"),
            titles=[p.release.part.title for p in prompts],
            cars=[p.person.cars[p.unit] for p in prompts if p.person],
            place=_place(aim, prompts[0]),
            outcome=outcome,
            is_confirmed=isinstance(aim, ToAnswer) and _is_confirmed(aim, prompts[0]),
            is_asked=is_asked,
            takes_words=isinstance(aim, ToAnswer) and aim.answer == "booked",
            page_url=self._page_url(person),
        )

    def _page_url(self, person: Person | None) -> str | None:
        return self.inbox.links.url(ToPage(person.key), self.clock()) if person else None

    def _prompts(self, aim: ToAnswer | ToStop) -> list[Prompt]:
        keys = [(aim.unit, aim.prompt_id)] if isinstance(aim, ToAnswer) else list(aim.prompts)
        found = [self.inbox.desk.prompts[key] for key in keys if key in self.inbox.desk.prompts]
        if not found:
            raise BadLink("gone")
        return found

    def _press(self, token: str) -> ToAnswer | ToStop:
        aim = self.inbox.links.read(token, self.clock())
        if not isinstance(aim, ToAnswer | ToStop):
            raise BadLink("not ours")
        return aim

    def _aim(self, token: str, kind: type[A]) -> A:
        aim = self.inbox.links.read(token, self.clock())
        if not isinstance(aim, kind):
            raise BadLink("not ours")
        return aim


def _what(aim: ToAnswer | ToStop, prompt: Prompt, language: Language, all_: str, prefix: str) -> str:
    """What the button says, in full; or what was said with it."""
    if isinstance(aim, ToStop):
        return word(language, all_)
    return word(language, prefix + aim.answer, kind=kind_word(language, prompt.release.part.kind))


def _is_confirmed(aim: ToAnswer, prompt: Prompt) -> bool:
    return any(a.place is not None and (a.answer, a.slot) == (aim.answer, aim.slot) for a in prompt.answers)


def _place(aim: ToAnswer | ToStop, prompt: Prompt) -> tuple[str, str] | None:
    slot = find_slot(prompt, aim.slot) if isinstance(aim, ToAnswer) else None
    language = prompt.release.message.language
    return (slot_word(slot, language), place_word(slot, language)) if slot else None


def _safe(response: Response) -> Response:
    response.headers.update(SAFE)
    return response
