"""The car's texts in English: tables, as agent/words/ reads them. Of each the first line is the title."""

from __future__ import annotations

from agent.events.message import HeldBy

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"
ABOUT = "about"
RANGE = "on", "between", "and"
AND = " and "
DAYS = "day", "days"
TRIPS = "trip", "trips"

CLOSING = (
    "This message is automatic: the car made it from its own data, and no person wrote it. "
    "To get no more messages of this kind, choose “stop” below it; they stop for you alone."
)

BECAUSE: dict[HeldBy, str] = {  # what can hold a prompt longest comes first
    "no clock to be trusted": "the unit had no clock to be trusted",
    "snoozed": "it had been put off",
    "it could not be shown in time": "it could not be shown in time",
    "two a week are enough": "there are two messages a week at most",
    "one a day is enough": "there is one message a day at most",
    "waiting for appointments": "appointments were asked for first",
    "the ignition is on": "the ignition was on",
    "the ignition is not known": "it was not known whether the ignition was on",
    "until the stated time": "messages wait for the time of day that you stated",
    "until they are usually home": "messages wait until you are usually home",
    "quiet hours": "it was within your quiet hours",
    "the ignition came on less than ten minutes ago": "the ignition had come on only minutes before",
}

MISSING = {
    "vin": "its VIN",
    "make": "its make",
    "model": "its model",
    "year": "its model year",
    "calibration": "the version of its software",
    "profile": "its type",
}

_IN_FULL = ("In full: {item:cut}.", "")
_ANSWERED = "\nIf it is done already, or if this is wrong, answer so, and it is not said again."
_ODOMETER = (
    "The odometer stood at {reading_m:distance about} on {noticed_day:day}.",
    "The odometer stood at {reading_m:distance about} when that was noticed.",
)
_BY_TIME = "That day comes from when it was last done, or from the car's own count."
_LIMITS = (
    "It is due at {due_m:distance} or on {due_day:day}, whichever is first.",
    "It is due at {due_m:distance}.",
    "It is due on {due_day:day} at the latest.",
    "One of its limits is near, by what the car counts.",
)
_SOON = "It falls due {earliest_day:between latest_day}, most likely about {likely_day:day}"
_BY_PACE = f"{_SOON}: a forecast from the pace of the last weeks."
_SOON_TITLE = "Coming due: {item:short}, about {likely_day:day}"
_DUE_TITLE = "Due: {item:short}"

LAMP = "The engine lamp is on"
_FAULT_TITLE = ("{code:lamp}", "Trouble code {code:code}")
_FAULT = (
    "{code:lamp}, by the car's own word; which trouble code it is about is not known.",
    "The car's computer keeps the trouble code {code:code} ({words:meaning}).",
    "The car's computer keeps the trouble code {code:code}.",
)
_LAMPS = (
    "\nThe car's own warning lamps come first: follow the warning lamp and the manual. "
    "This message comes after the drive and does not replace them."
)
_ANSWER = (
    "That comes from an answer of its own on {noticed_day:day}; nobody has looked at the car.",
    "That comes from an answer of its own; nobody has looked at the car.",
)
_RESTS = "That is the middle of the last readings, each after hours of standing."
_VOLTS_TITLE = ("12\u00a0V battery: {volts:volts about} at rest", "12\u00a0V battery: about {volts:volts} at rest")
_CHARGE = "\nA charger or a long drive may help, and a workshop can test it. When it would fail cannot be told from this."

_REMEDY = ("What is to be done: {remedy:words}.", "")
_PUBLISHED = (
    "\nIt was published by {source:words} on {published_day:day}, reference {reference:words}.",
    "\nIt was published by {source:words}, reference {reference:words}.",
)
_MATCHED = (
    "The unit compared the catalogue of {catalogue_day:day} with this car's own data.",
    "The unit compared it with this car's own data.",
)
_REMEDIED = "\nA workshop of the make can see whether it has been done. If it has, answer so."
_DO_NOT_DRIVE = (
    "Do not drive: {title:short}",
    (
        "This car is not to be driven until this is remedied, says a notice that applies to it: {title:cut}.",
        "This car is not to be driven until this is remedied, says a notice that applies to it.",
    ),
    *(_REMEDY, _PUBLISHED, _MATCHED, _REMEDIED),
)

_MARK_TITLE, _ABOUT_TITLE = "{mark:mark counts} on the odometer", "About {mark:mark counts} on the odometer"
_ESTIMATE = "That is an estimate: a reading that was entered, and the distance driven since."
_NEXT_READ = "The odometer was next read at {reading_m:distance}."
_ONLY_NOW = ("You are told only now because {because:because}.", "You are told only now; why is not known.")
_NO_DAY = "The day is not known: the unit had no clock to be trusted then."
_NOTHING = "There is nothing to do."

TEXTS: dict[str, tuple[str | tuple[str, ...], ...]] = {
    # -- service -------------------------------------------------------------------------------
    "service_soon": (
        (_SOON_TITLE, "Coming due: {item:short}"),
        (
            _BY_PACE,
            "About {likely_day:day} is a rough forecast from the pace of the last weeks.",
            "No day is forecast, as the car's pace is not known well enough.",
        ),
        *(_LIMITS, (*_ODOMETER, ""), _IN_FULL, _ANSWERED),
    ),
    "service_soon distance": (_SOON_TITLE, _BY_PACE, "It is due at {due_m:distance}.", _ODOMETER, _IN_FULL, _ANSWERED),
    "service_soon time": ("Coming due: {item:short}, {due_day:day}", _BY_TIME, _IN_FULL, _ANSWERED),
    "service_soon engine_hours": (_SOON_TITLE, _BY_PACE, "It is counted in hours of the engine.", _IN_FULL, _ANSWERED),
    "service_soon oil_life": (
        _SOON_TITLE,
        f"{_SOON}: a forecast from how the oil life that the car shows has fallen.",
        *(_IN_FULL, _ANSWERED),
    ),
    "service_due": (
        _DUE_TITLE,
        ("It was to be done by {due_m:distance} or {due_day:day}, whichever is first.", "A limit of it is reached."),
        *((*_ODOMETER, "The odometer is not known."), _IN_FULL, _ANSWERED),
    ),
    "service_due distance": (_DUE_TITLE, "It was due at {due_m:distance}.", _ODOMETER, _IN_FULL, _ANSWERED),
    "service_due time": (_DUE_TITLE, "It was due on {due_day:day}.", _BY_TIME, _IN_FULL, _ANSWERED),
    "service_due engine_hours": (_DUE_TITLE, "The engine has run the hours after which it is due.", _IN_FULL, _ANSWERED),
    "service_due oil_life": (_DUE_TITLE, "The oil life that the car shows is at its limit.", _IN_FULL, _ANSWERED),
    # -- faults and battery --------------------------------------------------------------------
    "fault stop now": (
        tuple(f"{title}: do not drive on" for title in _FAULT_TITLE),
        *(_FAULT, _ANSWER, "\nDo not drive on before somebody has looked at it.", _LAMPS),
    ),
    "fault soon": (
        tuple(f"{title}: have it looked at soon" for title in _FAULT_TITLE),
        *(_FAULT, _ANSWER),
        "\nHave it looked at soon. If the engine lamp flashes while you drive, ease off; a red lamp means stop.",
        _LAMPS,
    ),
    "fault look at it": (
        _FAULT_TITLE,
        *(_FAULT, _ANSWER, "\nHave it looked at when you are next at a workshop.", _LAMPS),
    ),
    "fault unknown": (
        _FAULT_TITLE,
        *(_FAULT, _ANSWER, "\nHow urgent it is cannot be told from the code alone; a workshop can read it.", _LAMPS),
    ),
    "battery": (
        *(_VOLTS_TITLE, _RESTS),
        ("That is low, or falling; it has been seen since {since:day}.", "That is low, or falling; since when is not known."),
        _CHARGE,
    ),
    "battery median": (
        *(_VOLTS_TITLE, _RESTS),
        (
            "It has been below {limit_volts:volts}, which is low, since {since:day}.",
            "It is below {limit_volts:volts}, which is low; since when is not known.",
        ),
        _CHARGE,
    ),
    "battery trend": (
        *(_VOLTS_TITLE, _RESTS),
        "It has been falling since {since:day}; at that rate it is below {limit_volts:volts}, which is low, in about "
        "{within_days:days}.",
        _CHARGE,
    ),
    # -- notices -------------------------------------------------------------------------------
    "notice_recall": (
        "Recall: {title:short}",
        ("A recall applies to this car: {title:cut}.", "This recall applies to this car."),
        *(_REMEDY, _PUBLISHED, _MATCHED, _REMEDIED),
    ),
    "notice_software": (
        "Software for this car: {title:short}",
        ("There is newer software for this car: {title:cut}.", "This software is newer than what the car has."),
        *(_REMEDY, _PUBLISHED, _MATCHED, _REMEDIED),
    ),
    "notice_bulletin": (
        "Service bulletin: {title:short}",
        ("A service bulletin applies to this car: {title:cut}.", "This bulletin applies to this car."),
        *(_REMEDY, _PUBLISHED, _MATCHED, _REMEDIED),
    ),
    "notice_recall_do_not_drive": _DO_NOT_DRIVE,
    "notice_software_do_not_drive": _DO_NOT_DRIVE,
    "notice_bulletin_do_not_drive": _DO_NOT_DRIVE,
    "notice_cannot_tell": (
        "May apply to this car: {title:short}",
        ("Whether this applies to this car cannot be told here: {title:cut}.", "Whether it does cannot be told here."),
        ("For that the unit would have to know {missing:missing}.", ""),
        *(_PUBLISHED, "A workshop of the make can tell by the VIN."),
    ),
    # -- appointments --------------------------------------------------------------------------
    "appointment_moved": (
        "Appointment moved: {item:short}",
        (
            "It was booked for {was:moment}. It was changed to {now:moment}, {place:words}.",
            "It was changed to {now:moment}, {place:words}. What it was before is not known here.",
        ),
        ("That is the workshop's word of {noticed_day:day}.", "That is the workshop's word."),
        _IN_FULL,
        "\nTo keep it there is nothing to do. If it does not suit you, choose another time, where there are some to choose from "
        "below, or cancel it.",
    ),
    # -- milestones ----------------------------------------------------------------------------
    "milestone": (
        _MARK_TITLE,
        (
            "Your car passed this mark on {noticed_day:day}, by its own odometer.",
            "Your car has passed this mark, by its own odometer.",
        ),
        _NOTHING,
    ),
    "milestone_late": (
        _MARK_TITLE,
        "On {day:day} your car passed {mark:mark counts}, by its own odometer.",
        *(_ONLY_NOW, _NOTHING),
    ),
    "milestone_undated": (
        _MARK_TITLE,
        "Your car has passed {mark:mark counts}, by its own odometer.",
        *(_NO_DAY, _NOTHING),
    ),
    "milestone_about": (_ABOUT_TITLE, "Your car has passed about {mark:mark counts}.", _ESTIMATE, _NOTHING),
    "milestone_about_late": (
        _ABOUT_TITLE,
        "About {day:day} your car passed about {mark:mark counts}.",
        *(_ESTIMATE, _ONLY_NOW, _NOTHING),
    ),
    "milestone_about_undated": (
        _ABOUT_TITLE,
        "Your car has passed about {mark:mark counts}.",
        *(_ESTIMATE, _NO_DAY, _NOTHING),
    ),
    "milestone_unseen": (
        _MARK_TITLE,
        "Your car has passed {mark:mark counts} while the unit did not see it.",
        *(_NEXT_READ, _NOTHING),
    ),
    "milestone_unseen_late": (
        _MARK_TITLE,
        "By {day:day} your car had passed {mark:mark counts} while the unit did not see it.",
        *(_NEXT_READ, _ONLY_NOW, _NOTHING),
    ),
    "milestone_unseen_undated": (
        _MARK_TITLE,
        "Your car has passed {mark:mark counts} while the unit did not see it.",
        *(_NEXT_READ, _NO_DAY, _NOTHING),
    ),
    # -- reports -------------------------------------------------------------------------------
    "report": (
        "Report for {month:month}",
        ("It tells of {trips:trips}, {distance_m:distance}.", ""),
        "It was worked out on the unit, from the trips that it kept and from what the car told it.",
    ),
}
