"""The report's words in each language. `{…}` is filled by document.py; "one|many" is chosen by a count."""

from __future__ import annotations

from collections.abc import Callable

from agent.household import Language

PHRASES: dict[str, tuple[str, str]] = {
    # -- title ---------------------------------------------------------------------------------
    "title": ("Report for {month}", "Bericht für {month}"),
    "lead": (
        "From the car ({vehicle}), made automatically from its own signals on {day}. Times are those of {timezone}.",
        "Vom Auto ({vehicle}), automatisch aus seinen eigenen Signalen erstellt am {day}. Zeiten nach {timezone}.",
    ),
    "lead early": (
        "From the car ({vehicle}), made automatically from its own signals on {day}, before the month was over. "
        "Times are those of {timezone}.",
        "Vom Auto ({vehicle}), automatisch aus seinen eigenen Signalen erstellt am {day}, bevor der Monat vorbei war. "
        "Zeiten nach {timezone}.",
    ),
    "lead undated": (
        "From the car ({vehicle}), made automatically from its own signals. Times are those of {timezone}.",
        "Vom Auto ({vehicle}), automatisch aus seinen eigenen Signalen erstellt. Zeiten nach {timezone}.",
    ),
    # -- figures -------------------------------------------------------------------------------
    "distance": ("Distance", "Strecke"),
    "trips": ("Trips", "Fahrten"),
    "time": ("Time in the car", "Zeit im Auto"),
    "fuel economy": ("Consumption", "Verbrauch"),
    "fuel distance": ("Fuel economy", "Verbrauch"),
    "energy economy": ("Consumption (electric)", "Verbrauch (elektrisch)"),
    "fuel": ("Fuel", "Kraftstoff"),
    "energy": ("Electric energy", "Elektrische Energie"),
    "harsh": ("Harsh braking and accelerating, per 100\u00a0{counts}", "Hart gebremst oder beschleunigt, je 100\u00a0{counts}"),
    "idling": ("Idling, of the engine's running time", "Leerlauf, an der Laufzeit des Motors"),
    "cold short": ("Cold starts on trips below {short}", "Kaltstarts auf Fahrten unter {short}"),
    "cold of": ("{n} of {of}", "{n} von {of}"),
    "night": ("At night (22 to 6), of the time", "Nachts (22 bis 6 Uhr), an der Zeit"),
    "over": ("Above the household's {limit}", "Über den {limit} des Haushalts"),
    "against": ("{value} in {month}", "{value} im {month}"),
    "no trip": ("No trip in {month}.", "Keine Fahrt im {month}."),
    "nothing earlier": (
        "There is no earlier month to compare with yet.",
        "Es gibt noch keinen früheren Monat zum Vergleich.",
    ),
    # -- driving -------------------------------------------------------------------------------
    "driving": ("Your driving", "Ihr Fahren"),
    "driving unknown": ("Driving", "Fahren"),
    "unknown note": (
        "Nobody has a profile yet, so these are the trips of whoever drove.",
        "Noch hat niemand ein Profil: Das sind die Fahrten von allen, die gefahren sind.",
    ),
    "compared": ("Against the month before and a year ago", "Gegen den Vormonat und das Vorjahr"),
    "measure": ("Measure", "Größe"),
    "estimate note": ("~ marks an estimate.", "~ heißt geschätzt."),
    "covers note": (
        "{what}: known for {share} of the distance.",
        "{what}: für {share} der Strecke bekannt.",
    ),
    "per day": ("Distance by day", "Strecke je Tag"),
    "per day alt": (
        "Bar chart of the distance driven on each day of {month}; the longest day has {most}.",
        "Balken: gefahrene Strecke an jedem Tag im {month}; der längste Tag hat {most}.",
    ),
    "day": ("Day", "Tag"),
    "per month": ("Consumption by month", "Verbrauch je Monat"),
    "per month economy": ("Fuel economy by month", "Verbrauch je Monat"),
    "per month alt": (
        "Bar chart of the consumption in each of the last months; {month} has {value}.",
        "Balken: Verbrauch in jedem der letzten Monate; {month} hat {value}.",
    ),
    "month": ("Month", "Monat"),
    "bands": ("Where the distance was driven, by speed", "Strecke nach Geschwindigkeit"),
    "bands alt": (
        "Bar chart of the share of the distance in each speed band; most of it at {band}.",
        "Balken: Anteil der Strecke je Geschwindigkeitsband; das meiste bei {band}.",
    ),
    "band": ("Speed", "Geschwindigkeit"),
    "band standing": ("rolling", "rollend"),
    "band up to": ("up to {high}", "bis {high}"),
    "band between": ("{low}–{high}", "{low}–{high}"),
    "band above": ("above {low}", "über {low}"),
    "share": ("Share", "Anteil"),
    "dynamics": (
        "Speed times acceleration against the limit of an official road test (EU\u00a02017/1151)",
        "Geschwindigkeit mal Beschleunigung gegen die Grenze einer amtlichen Straßenprüfung (EU\u00a02017/1151)",
    ),
    "class": ("Roads", "Straßen"),
    "urban": ("town speeds", "Stadttempo"),
    "rural": ("country speeds", "Landstraßentempo"),
    "motorway": ("motorway speeds", "Autobahntempo"),
    "yours": ("Yours", "Ihr Wert"),
    "limit": ("Limit", "Grenze"),
    # -- the car -------------------------------------------------------------------------------
    "car": ("The car", "Das Auto"),
    "car total": ("All drivers together: {parts}.", "Alle zusammen: {parts}."),
    "car unknown": (
        "Of these {distance} by a driver that the car did not recognise.",
        "Davon {distance} mit einem Menschen am Steuer, den das Auto nicht erkannt hat.",
    ),
    "health": ("The car's health", "Zustand des Autos"),
    "checks": ("What was looked at", "Was angesehen wurde"),
    "check": ("Check", "Prüfung"),
    "result": ("Result", "Ergebnis"),
    "trouble codes": ("Trouble codes", "Fehlercodes"),
    "12 V battery": ("12\u00a0V battery", "12-V-Batterie"),
    "odometer": ("Odometer", "Kilometerzähler"),
    "service items": ("Service items", "Wartungspunkte"),
    "recalls and notices": ("Recalls and notices", "Rückrufe und Mitteilungen"),
    "brakes, tyres, lights and fluids": ("Brakes, tyres, lights, fluids", "Bremsen, Reifen, Licht, Flüssigkeiten"),
    "checked": ("looked at", "angesehen"),
    "checked on": ("looked at, last on {day}", "angesehen, zuletzt am {day}"),
    "not checked": ("not looked at", "nicht angesehen"),
    "checks note": (
        "Nothing found means: nothing found by the checks above. It is no inspection.",
        "Nichts gefunden heißt: von den Prüfungen oben nichts gefunden. Es ist keine Durchsicht.",
    ),
    "nothing happened": ("Nothing to tell.", "Nichts zu melden."),
    "fault set": ("{day}: trouble code {what}{title}{times}.", "{day}: Fehlercode {what}{title}{times}."),
    "lamp on": ("{day}: the engine lamp came on{times}.", "{day}: Die Motorlampe ging an{times}."),
    "lamp off": ("{day}: the engine lamp is off again.", "{day}: Die Motorlampe ist wieder aus."),
    "fault cleared": ("{day}: trouble code {what} is gone.", "{day}: Fehlercode {what} ist weg."),
    "battery weak": ("{day}: the 12\u00a0V battery was weak{times}.", "{day}: Die 12-V-Batterie war schwach{times}."),
    "rebased": (
        "{day}: the odometer reads {reading} from now on, other than by driving.",
        "{day}: Der Kilometerzähler steht jetzt auf {reading}, nicht durch Fahren.",
    ),
    "service due": ("{day}: {what} came due.", "{day}: {what} wurde fällig."),
    "service soon": ("{day}: {what} was coming due.", "{day}: {what} war bald fällig."),
    "service reopened": ("{day}: {what} is still to be done.", "{day}: {what} ist doch noch zu machen."),
    "service done": ("{day}: {what} was done.", "{day}: {what} wurde gemacht."),
    "times": (" ({n}\u00a0times)", " ({n}-mal)"),
    "some day": ("On a day not known", "An einem unbekannten Tag"),
    # -- due -----------------------------------------------------------------------------------
    "due": ("What is due when", "Was wann fällig ist"),
    "due caption": ("Service items, by how this car is driven", "Wartung, so wie dieses Auto gefahren wird"),
    "item": ("Item", "Punkt"),
    "left": ("Left", "Noch"),
    "likely": ("Likely", "Voraussichtlich"),
    "between": ("{early} to {late}", "{early} bis {late}"),
    "due now": ("due now", "jetzt fällig"),
    "overdue": ("overdue by {distance}", "überfällig seit {distance}"),
    "no items": (
        "No service item is set up, so nothing is counted.",
        "Kein Wartungspunkt ist eingerichtet; es wird nichts gezählt.",
    ),
    # -- notices -------------------------------------------------------------------------------
    "notices": ("Recalls and notices", "Rückrufe und Mitteilungen"),
    "no catalogue": (
        "No catalogue of recalls has reached this car, so nothing is known of any. That is not the same as none.",
        "Noch kein Rückrufverzeichnis hat dieses Auto erreicht: Über Rückrufe ist nichts bekannt. Das heißt nicht: keine.",
    ),
    "catalogue": (
        "Last catalogue of {source}: made on {day}, {age} old.",
        "Letztes Verzeichnis von {source}: vom {day}, {age} alt.",
    ),
    "catalogue of a day": (
        "Last catalogue of {source}: made on {day}.",
        "Letztes Verzeichnis von {source}: vom {day}.",
    ),
    "unnamed source": ("an unnamed source", "einer ungenannten Quelle"),
    "no news": (
        "No news is not the same as no recalls.",
        "Keine Nachricht heißt nicht, dass es keine Rückrufe gibt.",
    ),
    "catalogue age": ("The newest catalogue is {age} old.", "Das neueste Verzeichnis ist {age} alt."),
    "days": ("{n}\u00a0day|{n}\u00a0days", "{n}\u00a0Tag|{n}\u00a0Tage"),
    "of days": ("{n}\u00a0day|{n}\u00a0days", "{n}\u00a0Tag|{n}\u00a0Tagen"),
    "notice": ("{title} ({state})", "{title} ({state})"),
    "state applies": ("applies to this car", "betrifft dieses Auto"),
    "state cannot tell": ("cannot be told", "nicht zu klären"),
    "state acknowledged": ("seen", "gesehen"),
    "state booked": ("booked", "gebucht"),
    # -- household -----------------------------------------------------------------------------
    "others": ("Others in the household", "Die anderen im Haushalt"),
    "others mean": (
        "The mean of {n}\u00a0other people who agreed to this, beside your own.",
        "Der Mittelwert von {n}\u00a0anderen, die dem zugestimmt haben, neben Ihren Werten.",
    ),
    "others each": ("All of the household agreed to this.", "Alle im Haushalt haben dem zugestimmt."),
    "own column": ("You", "Sie"),
    "mean column": ("Mean of the others", "Mittel der anderen"),
    "others caption": ("This month, side by side", "Dieser Monat, nebeneinander"),
    "place": (
        "{measure}: place {n} of {of}, the lowest consumption first.",
        "{measure}: Platz {n} von {of}, der niedrigste zuerst.",
    ),
    "ward": ("{who}, under 18", "{who}, unter 18"),
    "ward note": (
        "Both of you agreed that you see this. {who} sees the same.",
        "Sie beide haben zugestimmt, dass Sie das sehen. {who} sieht dasselbe.",
    ),
    "seen by": (
        "As you both agreed, this is seen by {who} too: the same figures.",
        "Wie vereinbart sieht das auch {who}: dieselben Zahlen.",
    ),
    # -- use -----------------------------------------------------------------------------------
    "use": ("How the car is used", "Wie das Auto genutzt wird"),
    "use year": (
        "About {distance} a year, whoever drove, going by {days}.",
        "Etwa {distance} im Jahr, wer auch fuhr, nach dem Stand von {days}.",
    ),
    "use short": (
        "Known for {days} so far: too few to say what a year comes to.",
        "Erst seit {days} bekannt: zu wenig für eine Zahl je Jahr.",
    ),
    "use rests": (
        "The following rests on {share} of the car's distance: the trips that you may see.",
        "Das Folgende beruht auf {share} der Strecke des Autos: den Fahrten, die Sie sehen dürfen.",
    ),
    "use lengths": (
        "Half of the trips are up to {trip} long, nine days in ten up to {day}; the longest day had {longest}.",
        "Die Hälfte der Fahrten ist bis {trip} lang, neun von zehn Fahrtagen bis {day}; der längste Tag hatte {longest}.",
    ),
    "use roads": (
        "By speed: town {urban}, country {rural}, motorway {motorway}; the first two give or take {doubt}.",
        "Nach Tempo: Stadt {urban}, Land {rural}, Autobahn {motorway}; bei den ersten beiden bis zu {doubt} mehr oder weniger.",
    ),
    "cover": ("Days within the range of a battery car", "Fahrtage in der Reichweite eines Batterieautos"),
    "cover percent": (
        "Share of driving days (%) within the range of a battery car ({counts})",
        "Anteil der Fahrtage (%) in der Reichweite eines Batterieautos ({counts})",
    ),
    "cover alt": (
        "Line: share of driving days within a battery car's range on the road, by range; at {range} it is {share}.",
        "Linie: Anteil der Fahrtage innerhalb der Reichweite eines Batterieautos, je Reichweite; bei {range} sind es {share}.",
    ),
    "range": ("Range on the road", "Reichweite auf der Straße"),
    # -- milestones ----------------------------------------------------------------------------
    "milestones": ("Milestones and bests", "Meilensteine und Bestwerte"),
    "milestone": ("{day}: {mark} on the odometer.", "{day}: {mark} auf dem Kilometerzähler."),
    "milestone about": (
        "{day}: about {mark} on the odometer, by an estimate.",
        "{day}: etwa {mark} auf dem Kilometerzähler, geschätzt.",
    ),
    "best": ("Of the last {n}\u00a0months: {parts}.", "In den letzten {n}\u00a0Monaten: {parts}."),
    "longest trip": ("the longest trip ({value})", "die längste Fahrt ({value})"),
    "longest day": ("the longest day ({value})", "der längste Tag ({value})"),
    "lowest fuel": ("the lowest fuel consumption ({value})", "der niedrigste Verbrauch ({value})"),
    "lowest energy": ("the lowest electric consumption ({value})", "der niedrigste Stromverbrauch ({value})"),
    "first month": ("The first month with this unit.", "Der erste Monat mit diesem Gerät."),
    # -- corrections, gaps ---------------------------------------------------------------------
    "corrections": ("Corrected", "Berichtigt"),
    "added": (
        "{month}: {trip} is now counted as yours. That month's report was sent before and stays as it was.",
        "{month}: {trip} zählt jetzt als Ihre. Der Bericht für diesen Monat war schon verschickt und bleibt, wie er war.",
    ),
    "removed": (
        "{month}: {trip} is no longer counted as yours. That month's report was sent before and stays as it was.",
        "{month}: {trip} zählt nicht mehr als Ihre. Der Bericht für diesen Monat war schon verschickt und bleibt, wie er war.",
    ),
    "a trip": ("a trip", "eine Fahrt"),
    "a trip of": ("a trip of {distance}", "eine Fahrt über {distance}"),
    "gaps": ("What is not known", "Was nicht bekannt ist"),
    "gap none": (
        "Nothing is missing that the unit could notice.",
        "Es fehlt nichts, was das Gerät bemerken könnte.",
    ),
    "gap unaccounted": (
        "{distance} were counted by the car and seen by nobody: they are in no trip.",
        "{distance} hat das Auto gezählt, ohne dass das Gerät sie sah: Sie gehören zu keiner Fahrt.",
    ),
    "gap undated": (
        "{n}\u00a0trip has no date|{n}\u00a0trips have no date",
        "{n}\u00a0Fahrt hat kein Datum|{n}\u00a0Fahrten haben kein Datum",
    ),
    "gap undated of": ("{trips} ({distance}): in no month.", "{trips} ({distance}): in keinem Monat gezählt."),
    "gap unsure": (
        "{n}\u00a0trip was dated by a clock that was not sure.|{n}\u00a0trips were dated by a clock that was not sure.",
        "{n}\u00a0Fahrt hat eine unsichere Uhr datiert.|{n}\u00a0Fahrten hat eine unsichere Uhr datiert.",
    ),
    "gap unobserved": (
        "For {share} of your time in the car its speed was not seen.",
        "Für {share} Ihrer Zeit im Auto wurde die Geschwindigkeit nicht gesehen.",
    ),
    "gap unreadable": (
        "{n}\u00a0trip is damaged in the store and left out.|{n}\u00a0trips are damaged in the store and left out.",
        "{n}\u00a0Fahrt ist im Speicher beschädigt und fehlt hier.|{n}\u00a0Fahrten sind im Speicher beschädigt und fehlen hier.",
    ),
    "gap facts": (
        "{n}\u00a0line of this month found no room here.|{n}\u00a0lines of this month found no room here.",
        "{n}\u00a0Zeile dieses Monats fand hier keinen Platz.|{n}\u00a0Zeilen dieses Monats fanden hier keinen Platz.",
    ),
    # -- prompts, ledger -----------------------------------------------------------------------
    "prompts": ("What the car told you", "Was das Auto Ihnen gesagt hat"),
    "prompt": ("{day}: {title}{state}", "{day}: {title}{state}"),
    "acknowledged": (" (read)", " (gelesen)"),
    "snoozed": (" (put off)", " (verschoben)"),
    "booked": (" (booked)", " (gebucht)"),
    "done": (" (done)", " (erledigt)"),
    "wrong": (" (marked as wrong)", " (als falsch gemeldet)"),
    "stopped": (" (no more of these)", " (künftig nicht mehr)"),
    "withdrawn": (" (withdrawn)", " (zurückgezogen)"),
    "no prompts": ("Nothing this month.", "Diesen Monat nichts."),
    "ledger": ("This unit and this car", "Dieses Gerät und dieses Auto"),
    "ledger since": (
        "{months} together, since {day}, over {distance}.",
        "{months} zusammen, seit dem {day}, über {distance}.",
    ),
    "months": ("{n}\u00a0month|{n}\u00a0months", "{n}\u00a0Monat|{n}\u00a0Monate"),
    "ledger caption": ("What it has done", "Was es getan hat"),
    "what": ("What", "Was"),
    "how many": ("How many", "Wie viele"),
    "reports": ("Monthly reports", "Monatsberichte"),
    "services told": ("Services told", "Wartungen angekündigt"),
    "services before": ("of these before the car's own reminder", "davon vor der Erinnerung des Autos"),
    "recalls": ("Recalls and notices told", "Rückrufe und Mitteilungen genannt"),
    "milestones passed": ("Milestones noticed", "Meilensteine bemerkt"),
    "prompts sent": ("Prompts sent, with the reports", "Hinweise verschickt, mit den Berichten"),
    "prompts wrong": ("of these marked as wrong", "davon als falsch gemeldet"),
    # -- page ----------------------------------------------------------------------------------
    "numbers": ("The same as a table", "Dasselbe als Tabelle"),
    "closing": (
        "This report is automatic: a machine in the car made it, nobody wrote it. "
        "It is made once. To stop it, take back the consent “report” on the unit.",
        "Dieser Bericht ist automatisch: Ein Gerät im Auto hat ihn erstellt, niemand hat ihn geschrieben. "
        "Er wird einmal erstellt. Zum Abbestellen die Zustimmung „report“ am Gerät zurücknehmen.",
    ),
}


def phrase(key: str, language: Language, count: float = 1, **values: str) -> str:
    """One phrase with its values; `count` chooses between one and many."""
    one, _, many = PHRASES[key][language == "de"].partition("|")
    return (many if many and count != 1 else one).format(**values)


def words_in(language: Language) -> Callable[..., str]:
    """`phrase` in one language."""
    return lambda key, count=1, **values: phrase(key, language, count, **values)
