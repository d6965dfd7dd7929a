"""The car's texts in German: tables, as agent/words/ reads them; the same keys and slots as in agent/words/en.py."""

from __future__ import annotations

import re

from agent.events.message import HeldBy
from agent.words.de_codes import MEANINGS

MONTHS = (
    *("Januar", "Februar", "März", "April", "Mai", "Juni"),
    *("Juli", "August", "September", "Oktober", "November", "Dezember"),
)
WEEKDAYS = "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"
ABOUT = "etwa"
RANGE = "am", "zwischen dem", "und dem"
AND = " und "
DAYS = "Tag", "Tagen"  # after "in"
TRIPS = "Fahrt", "Fahrten"

CLOSING = (
    "Diese Nachricht ist automatisch: Das Auto hat sie aus seinen eigenen Daten gemacht, kein Mensch hat sie geschrieben. "
    "Wer keine Nachrichten dieser Art mehr will, wählt darunter „nicht mehr“; das gilt nur für Sie."
)

BECAUSE: dict[HeldBy, str] = {
    "no clock to be trusted": "das Gerät keine verlässliche Uhrzeit hatte",
    "snoozed": "die Nachricht aufgeschoben war",
    "it could not be shown in time": "sie nicht rechtzeitig gezeigt werden konnte",
    "two a week are enough": "es höchstens zwei Nachrichten in der Woche gibt",
    "one a day is enough": "es höchstens eine Nachricht am Tag gibt",
    "waiting for appointments": "zuerst nach Terminen gefragt wurde",
    "the ignition is on": "die Zündung an war",
    "the ignition is not known": "nicht bekannt war, ob die Zündung an ist",
    "until the stated time": "Nachrichten auf die Uhrzeit warten, die Sie angegeben haben",
    "until they are usually home": "Nachrichten warten, bis Sie gewöhnlich zu Hause sind",
    "quiet hours": "Ihre Ruhezeit war",
    "the ignition came on less than ten minutes ago": "die Zündung erst seit wenigen Minuten an war",
}
MISSING = {
    "vin": "seine Fahrgestellnummer",
    "make": "seine Marke",
    "model": "sein Modell",
    "year": "sein Modelljahr",
    "calibration": "den Stand seiner Software",
    "profile": "seinen Typ",
}

_IN_FULL = ("Ganz ausgeschrieben: {item:cut}.", "")
_ANSWERED = "\nIst es schon erledigt oder stimmt es nicht, antworten Sie so; dann wird es nicht wiederholt."
_ODOMETER = (
    "Am {noticed_day:day} stand der Kilometerzähler auf {reading_m:distance about}.",
    "Der Kilometerzähler stand dabei auf {reading_m:distance about}.",
)
_BY_TIME = "Dieser Tag folgt daraus, wann es zuletzt gemacht wurde, oder aus der Zählung des Autos."
_LIMITS = (
    "Fällig ist es bei {due_m:distance} oder am {due_day:day}, je nachdem, was zuerst kommt.",
    "Fällig ist es bei {due_m:distance}.",
    "Fällig ist es spätestens am {due_day:day}.",
    "Eine seiner Grenzen ist nahe, nach dem, was das Auto zählt.",
)
_SOON = "Fällig wird es {earliest_day:between latest_day}, am ehesten um den {likely_day:day}"
_BY_PACE = f"{_SOON}: eine Vorhersage nach den Fahrten der letzten Wochen."
_SOON_TITLE = "Bald fällig: {item:short}, etwa {likely_day:day}"
_DUE_TITLE = "Fällig: {item:short}"

LAMP = "Die Motorlampe ist an"
_FAULT_TITLE = ("{code:lamp}", "Fehlercode {code:code}")
_FAULT = (
    "{code:lamp}, so sagt es das Auto; um welchen Fehlercode es geht, ist nicht bekannt.",
    "Im Bordcomputer steht der Fehlercode {code:code} ({words:meaning}).",
    "Im Bordcomputer steht der Fehlercode {code:code}.",
)
_LAMPS = (
    "\nDie Warnlampen des Autos gehen vor: Folgen Sie der Warnlampe und der Betriebsanleitung. "
    "Diese Nachricht kommt nach der Fahrt und ersetzt sie nicht."
)
_ANSWER = (
    "Das stammt aus seiner Antwort vom {noticed_day:day}; niemand hat sich das Auto angesehen.",
    "Das stammt aus seiner Antwort; niemand hat sich das Auto angesehen.",
)
_RESTS = "Das ist der mittlere der letzten Werte, jeder nach Stunden im Stand."
_VOLTS_TITLE = ("12-V-Batterie: {volts:volts about} in Ruhe", "12-V-Batterie: etwa {volts:volts} in Ruhe")
_CHARGE = (
    "\nEin Ladegerät oder eine lange Fahrt kann helfen, eine Werkstatt kann sie prüfen. "
    "Wann sie ausfallen würde, lässt sich daraus nicht sagen."
)

_REMEDY = ("Was zu tun ist: {remedy:words}.", "")
_PUBLISHED = (
    "\nVeröffentlicht von {source:words} am {published_day:day}, Kennzeichen {reference:words}.",
    "\nVeröffentlicht von {source:words}, Kennzeichen {reference:words}.",
)
_MATCHED = (
    "Das Gerät hat den Katalog vom {catalogue_day:day} mit den Daten dieses Autos verglichen.",
    "Das Gerät hat es mit den Daten dieses Autos verglichen.",
)
_REMEDIED = "\nEine Werkstatt der Marke kann sehen, ob es schon erledigt ist. Ist es das, antworten Sie so."
_DO_NOT_DRIVE = (
    "Nicht fahren: {title:short}",
    (
        "Dieses Auto soll nicht gefahren werden, bis das behoben ist; so sagt es eine Mitteilung, die es betrifft: {title:cut}.",
        "Dieses Auto soll nicht gefahren werden, bis das behoben ist; so sagt es eine Mitteilung, die es betrifft.",
    ),
    *(_REMEDY, _PUBLISHED, _MATCHED, _REMEDIED),
)

_MARK_TITLE, _ABOUT_TITLE = "{mark:mark counts} auf dem Zähler", "Etwa {mark:mark counts} auf dem Zähler"
_ESTIMATE = "Das ist geschätzt: aus einem eingegebenen Stand und der seitdem gefahrenen Strecke."
_NEXT_READ = "Der Kilometerzähler stand danach auf {reading_m:distance}."
_ONLY_NOW = ("Sie erfahren es erst jetzt, weil {because:because}.", "Sie erfahren es erst jetzt; warum, ist nicht bekannt.")
_NO_DAY = "Der Tag ist nicht bekannt: Das Gerät hatte damals keine verlässliche Uhrzeit."
_NOTHING = "Zu tun ist nichts."

TEXTS: dict[str, tuple[str | tuple[str, ...], ...]] = {
    # -- service -------------------------------------------------------------------------------
    "service_soon": (
        (_SOON_TITLE, "Bald fällig: {item:short}"),
        (
            _BY_PACE,
            "Der {likely_day:day} ist eine grobe Vorhersage nach den Fahrten der letzten Wochen.",
            "Ein Tag lässt sich nicht vorhersagen, weil noch nicht klar ist, wie viel das Auto fährt.",
        ),
        *(_LIMITS, (*_ODOMETER, ""), _IN_FULL, _ANSWERED),
    ),
    "service_soon distance": (_SOON_TITLE, _BY_PACE, "Fällig ist es bei {due_m:distance}.", _ODOMETER, _IN_FULL, _ANSWERED),
    "service_soon time": ("Bald fällig: {item:short}, {due_day:day}", _BY_TIME, _IN_FULL, _ANSWERED),
    "service_soon engine_hours": (_SOON_TITLE, _BY_PACE, "Gezählt wird in Betriebsstunden des Motors.", _IN_FULL, _ANSWERED),
    "service_soon oil_life": (
        _SOON_TITLE,
        f"{_SOON}: eine Vorhersage daraus, wie die Restlebensdauer des Öls gefallen ist, die das Auto anzeigt.",
        *(_IN_FULL, _ANSWERED),
    ),
    "service_due": (
        _DUE_TITLE,
        (
            "Zu machen war es bis {due_m:distance} oder {due_day:day}, je nachdem, was zuerst kommt.",
            "Eine Grenze dafür ist erreicht.",
        ),
        *((*_ODOMETER, "Der Kilometerstand ist nicht bekannt."), _IN_FULL, _ANSWERED),
    ),
    "service_due distance": (_DUE_TITLE, "Fällig war es bei {due_m:distance}.", _ODOMETER, _IN_FULL, _ANSWERED),
    "service_due time": (_DUE_TITLE, "Fällig war es am {due_day:day}.", _BY_TIME, _IN_FULL, _ANSWERED),
    "service_due engine_hours": (
        *(_DUE_TITLE, "Der Motor ist die Stunden gelaufen, nach denen es fällig ist."),
        *(_IN_FULL, _ANSWERED),
    ),
    "service_due oil_life": (
        *(_DUE_TITLE, "Die Restlebensdauer des Öls, die das Auto anzeigt, ist an ihrer Grenze."),
        *(_IN_FULL, _ANSWERED),
    ),
    # -- faults and battery --------------------------------------------------------------------
    "fault stop now": (
        tuple(f"{title}: nicht weiterfahren" for title in _FAULT_TITLE),
        *(_FAULT, _ANSWER, "\nFahren Sie nicht weiter, bevor jemand danach gesehen hat.", _LAMPS),
    ),
    "fault soon": (
        tuple(f"{title}: bald ansehen lassen" for title in _FAULT_TITLE),
        *(_FAULT, _ANSWER),
        "\nLassen Sie bald danach sehen. Blinkt die Motorlampe während der Fahrt, nehmen Sie Gas weg; "
        "eine rote Lampe heißt anhalten.",
        _LAMPS,
    ),
    "fault look at it": (
        _FAULT_TITLE,
        *(_FAULT, _ANSWER, "\nLassen Sie beim nächsten Werkstattbesuch danach sehen.", _LAMPS),
    ),
    "fault unknown": (
        _FAULT_TITLE,
        *(_FAULT, _ANSWER, "\nWie eilig es ist, sagt der Code allein nicht; eine Werkstatt kann ihn lesen.", _LAMPS),
    ),
    "battery": (
        *(_VOLTS_TITLE, _RESTS),
        (
            "Das ist wenig oder wird weniger; zu sehen ist es seit dem {since:day}.",
            "Das ist wenig oder wird weniger; seit wann, ist nicht bekannt.",
        ),
        _CHARGE,
    ),
    "battery median": (
        *(_VOLTS_TITLE, _RESTS),
        (
            "Seit dem {since:day} ist es unter {limit_volts:volts}, und das ist wenig.",
            "Es ist unter {limit_volts:volts}, und das ist wenig; seit wann, ist nicht bekannt.",
        ),
        _CHARGE,
    ),
    "battery trend": (
        *(_VOLTS_TITLE, _RESTS),
        "Seit dem {since:day} wird es weniger; geht es so weiter, ist es in etwa {within_days:days} unter {limit_volts:volts}, "
        "und das ist wenig.",
        _CHARGE,
    ),
    # -- notices -------------------------------------------------------------------------------
    "notice_recall": (
        "Rückruf: {title:short}",
        ("Ein Rückruf betrifft dieses Auto: {title:cut}.", "Dieser Rückruf betrifft dieses Auto."),
        *(_REMEDY, _PUBLISHED, _MATCHED, _REMEDIED),
    ),
    "notice_software": (
        "Software für dieses Auto: {title:short}",
        ("Für dieses Auto gibt es neuere Software: {title:cut}.", "Diese Software ist neuer als die im Auto."),
        *(_REMEDY, _PUBLISHED, _MATCHED, _REMEDIED),
    ),
    "notice_bulletin": (
        "Technische Mitteilung: {title:short}",
        ("Eine technische Mitteilung betrifft dieses Auto: {title:cut}.", "Diese Mitteilung betrifft dieses Auto."),
        *(_REMEDY, _PUBLISHED, _MATCHED, _REMEDIED),
    ),
    "notice_recall_do_not_drive": _DO_NOT_DRIVE,
    "notice_software_do_not_drive": _DO_NOT_DRIVE,
    "notice_bulletin_do_not_drive": _DO_NOT_DRIVE,
    "notice_cannot_tell": (
        "Betrifft Ihr Auto vielleicht: {title:short}",
        ("Ob das dieses Auto betrifft, lässt sich hier nicht sagen: {title:cut}.", "Ob es das tut, lässt sich hier nicht sagen."),
        ("Dazu müsste das Gerät {missing:missing} kennen.", ""),
        *(_PUBLISHED, "Eine Werkstatt der Marke kann es an der Fahrgestellnummer sehen."),
    ),
    # -- appointments --------------------------------------------------------------------------
    "appointment_moved": (
        "Termin verschoben: {item:short}",
        (
            "Gebucht war er für {was:moment}. Geändert wurde er auf {now:moment}, {place:words}.",
            "Geändert wurde er auf {now:moment}, {place:words}. Wann er vorher war, ist hier nicht bekannt.",
        ),
        ("So sagte es die Werkstatt am {noticed_day:day}.", "So sagt es die Werkstatt."),
        _IN_FULL,
        "\nSoll er so bleiben, ist nichts zu tun. Passt er nicht, wählen Sie einen anderen, wenn darunter welche zur Wahl "
        "stehen, oder sagen Sie ab.",
    ),
    # -- milestones ----------------------------------------------------------------------------
    "milestone": (
        _MARK_TITLE,
        (
            "Ihr Auto hat diese Marke am {noticed_day:day} überschritten, nach seinem eigenen Zähler.",
            "Ihr Auto hat diese Marke überschritten, nach seinem eigenen Zähler.",
        ),
        _NOTHING,
    ),
    "milestone_late": (
        _MARK_TITLE,
        "Am {day:day} hat Ihr Auto {mark:mark counts} überschritten, nach seinem eigenen Zähler.",
        *(_ONLY_NOW, _NOTHING),
    ),
    "milestone_undated": (
        _MARK_TITLE,
        "Ihr Auto hat {mark:mark counts} überschritten, nach seinem eigenen Zähler.",
        *(_NO_DAY, _NOTHING),
    ),
    "milestone_about": (_ABOUT_TITLE, "Ihr Auto hat etwa {mark:mark counts} überschritten.", _ESTIMATE, _NOTHING),
    "milestone_about_late": (
        _ABOUT_TITLE,
        "Um den {day:day} hat Ihr Auto etwa {mark:mark counts} überschritten.",
        *(_ESTIMATE, _ONLY_NOW, _NOTHING),
    ),
    "milestone_about_undated": (
        _ABOUT_TITLE,
        "Ihr Auto hat etwa {mark:mark counts} überschritten.",
        *(_ESTIMATE, _NO_DAY, _NOTHING),
    ),
    "milestone_unseen": (
        _MARK_TITLE,
        "Ihr Auto hat {mark:mark counts} überschritten, ohne dass das Gerät es sah.",
        *(_NEXT_READ, _NOTHING),
    ),
    "milestone_unseen_late": (
        _MARK_TITLE,
        "Bis zum {day:day} hatte Ihr Auto {mark:mark counts} überschritten, ohne dass das Gerät es sah.",
        *(_NEXT_READ, _ONLY_NOW, _NOTHING),
    ),
    "milestone_unseen_undated": (
        _MARK_TITLE,
        "Ihr Auto hat {mark:mark counts} überschritten, ohne dass das Gerät es sah.",
        *(_NEXT_READ, _NO_DAY, _NOTHING),
    ),
    # -- reports -------------------------------------------------------------------------------
    "report": (
        "Bericht für {month:month}",
        ("Er handelt von {trips:trips}, {distance_m:distance}.", ""),
        "Das Gerät hat ihn aus den Fahrten gemacht, die es aufbewahrt hat, und aus dem, was das Auto ihm gesagt hat.",
    ),
}


def meaning(words: str) -> str:
    """agent/dtc.py's words for a code in German. KeyError for what the table does not have."""
    cylinder = re.search(r"cylinder (\d+)", words)
    if cylinder is None:
        return MEANINGS[words]
    return MEANINGS[words.replace(cylinder[0], "cylinder {n}")].replace("{n}", cylinder[1])
