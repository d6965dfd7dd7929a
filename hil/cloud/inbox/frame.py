"""The few words around what the unit says: buttons, states, headings. The messages themselves are the unit's (agent/words/)."""

from __future__ import annotations

from datetime import datetime

from agent.household import NO_BREAK, Kind, Language
from agent.prompts.slots import Slot
from agent.report.amounts import MONTHS
from agent.words import LANGUAGES

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "your_car": "Your {car} (automatic)",
        "your_cars": "Your cars (automatic)",
        "and_more": "{title}, and {n} more",
        "choose": "Choose an appointment",
        "booked": "Book this appointment",
        "until": "until {time}, {place}",
        "done": "It is done already",
        "snoozed": "Remind me in a week",
        "acknowledged": "I have seen it",
        "keep": "Keep it as it is now",
        "cancel": "Cancel the appointment",
        "wrong": "This is wrong",
        "stopped": "Stop messages about {kind}",
        "stop_all": "Stop messages like these",
        "calendar": "Add to calendar",
        "open_page": "All messages of your cars",
        "open_report": "Open the report",
        "attached": "It is attached, too.",
        "messages_of": "Messages from your cars",
        "no_messages": "No messages yet.",
        "said_done": "It is done already.",
        "said_snoozed": "To be told again in a week.",
        "said_acknowledged": "Seen.",
        "said_cancel": "Appointment cancelled.",
        "said_wrong": "Marked as wrong.",
        "said_stopped": "No more messages about {kind}.",
        "said_booked": "Appointment chosen.",
        "said_all": "No more messages like these.",
        "on_its_way": "On its way to the car.",
        "confirmed": "The car has it.",
        "appointment": "Appointment: {slot}",
        "moved": "The workshop moved it.",
        "cancelled": "It was cancelled.",
        "missed": "It was missed.",
        "kept": "It was kept.",
        "replaced": "Another one was chosen since.",
        "crossed": "No longer valid: {why}.",
        "done_why": "It is done.",
        "remedied": "It is remedied.",
        "no longer true": "it is no longer so",
        "superseded": "there is a newer message",
        "something in it is not known": "something in it is no longer known",
        "stopped_why": "such messages were stopped",
        "the consent was taken back": "the consent was taken back, and the report is no longer kept here",
        "press_once": "Nothing has happened yet. Press the button to do it.",
        "words": "A word for the person at the counter (optional)",
        "bad_link": "This link does not work",
        "not ours": "It was changed on its way or cut off. Use the link in the message itself.",
        "too old": "It is too old. What is still open is said again by the car.",
        "gone": "What it was about is over.",
        "taken": "Another appointment was chosen already. The workshop can change it.",
        "back": "Back to all messages",
        "shown_at": "{day}, {time}",
        "kind_service": "service",
        "kind_fault": "faults",
        "kind_battery": "the battery",
        "kind_notice": "recalls and software",
        "kind_milestone": "milestones",
        "kind_report": "the report",
    },
    "de": {
        "your_car": "Ihr {car} (automatisch)",
        "your_cars": "Ihre Autos (automatisch)",
        "and_more": "{title} und {n} weitere",
        "choose": "Termin wählen",
        "booked": "Diesen Termin buchen",
        "until": "bis {time}, {place}",
        "done": "Ist schon erledigt",
        "snoozed": "In einer Woche wieder",
        "acknowledged": "Gesehen",
        "keep": "So behalten",
        "cancel": "Termin absagen",
        "wrong": "Das stimmt nicht",
        "stopped": "Nicht mehr: Nachrichten zu {kind}",
        "stop_all": "Nicht mehr: solche Nachrichten",
        "calendar": "In den Kalender",
        "open_page": "Alle Nachrichten Ihrer Autos",
        "open_report": "Bericht öffnen",
        "attached": "Er ist auch angehängt.",
        "messages_of": "Nachrichten Ihrer Autos",
        "no_messages": "Noch keine Nachrichten.",
        "said_done": "Ist schon erledigt.",
        "said_snoozed": "In einer Woche wieder.",
        "said_acknowledged": "Gesehen.",
        "said_cancel": "Termin abgesagt.",
        "said_wrong": "Als falsch gemeldet.",
        "said_stopped": "Keine Nachrichten mehr zu {kind}.",
        "said_booked": "Termin gewählt.",
        "said_all": "Keine solchen Nachrichten mehr.",
        "on_its_way": "Unterwegs zum Auto.",
        "confirmed": "Das Auto hat es.",
        "appointment": "Termin: {slot}",
        "moved": "Die Werkstatt hat ihn verschoben.",
        "cancelled": "Er wurde abgesagt.",
        "missed": "Er wurde versäumt.",
        "kept": "Er wurde eingehalten.",
        "replaced": "Seitdem wurde ein anderer gewählt.",
        "crossed": "Gilt nicht mehr: {why}.",
        "done_why": "Es ist erledigt.",
        "remedied": "Es ist behoben.",
        "no longer true": "es ist nicht mehr so",
        "superseded": "es gibt eine neuere Nachricht",
        "something in it is not known": "etwas darin ist nicht mehr bekannt",
        "stopped_why": "solche Nachrichten wurden abbestellt",
        "the consent was taken back": "die Einwilligung wurde zurückgezogen, der Bericht ist hier gelöscht",
        "press_once": "Noch ist nichts geschehen. Erst der Knopf tut es.",
        "words": "Ein Wort an die Werkstatt (freiwillig)",
        "bad_link": "Dieser Link geht nicht",
        "not ours": "Er wurde unterwegs verändert oder abgeschnitten. Bitte den Link in der Nachricht selbst benutzen.",
        "too old": "Er ist zu alt. Was noch offen ist, sagt das Auto wieder.",
        "gone": "Worum es ging, ist vorbei.",
        "taken": "Es wurde schon ein anderer Termin gewählt. Die Werkstatt kann ihn ändern.",
        "back": "Zurück zu allen Nachrichten",
        "shown_at": "{day}, {time}",
        "kind_service": "Wartung",
        "kind_fault": "Fehlern",
        "kind_battery": "der Batterie",
        "kind_notice": "Rückrufen und Software",
        "kind_milestone": "runden Zahlen",
        "kind_report": "dem Bericht",
    },
}
CROSSED = {"done": "done_why", "stopped": "stopped_why"}  # words that buttons have, too
SETTLED = ("done", "remedied")  # what it asked for came about: no reason to strike it out


def word(language: Language, name: str, **values: object) -> str:
    return WORDS[language][name].format(**values)


def kind_word(language: Language, kind: Kind) -> str:
    return WORDS[language][f"kind_{kind}"]


def crossed_word(language: Language, why: str) -> str:
    """Why something is over; a reason that has no words here is not made up."""
    because = WORDS[language].get(CROSSED.get(why, why), WORDS[language]["no longer true"])
    return because if why in SETTLED else word(language, "crossed", why=because)


def day_word(moment: datetime, language: Language) -> str:
    """ "Tuesday, 24 November"; the date is not broken."""
    dot = "." if language == "de" else ""
    return f"{LANGUAGES[language].WEEKDAYS[moment.weekday()]}, {moment.day}{dot}{NO_BREAK}{MONTHS[language][moment.month - 1]}"


def slot_word(slot: Slot, language: Language) -> str:
    """ "Tuesday, 24 November, 08:00"; in the workshop's own time. Only the weekday may stand by itself."""
    start = datetime.fromisoformat(slot.start)
    return f"{day_word(start, language)},{NO_BREAK}{start:%H:%M}"


def place_word(slot: Slot, language: Language) -> str:
    """ "until 09:00, Bench Garage"."""
    return word(language, "until", time=f"{datetime.fromisoformat(slot.end):%H:%M}", place=slot.place)
