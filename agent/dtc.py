"""Trouble codes: two bytes ⇄ "P0301", and what a code means in plain words, with how soon it matters. Pure: a table and look-ups.

Structure and meaning after SAE J2012 (ISO 15031-6), in our own words. The narrowest row that holds a code speaks for it;
single codes stand for themselves, families for a range. What no row holds is `unknown`, and so are the maker's own codes:
nothing is guessed.

How soon (`Severity`), from what may come of driving on, not from how often it is harmless:

    stop now     driving on may wreck the engine or set fire to something: five codes, each with its reason below. A brake or
                 steering module that does not answer is not among them: the code alone does not say that brake or steering
                 fail, the car's red lamp does
    soon         it can become dear or strand the car: a misfire destroys the catalyst, a throttle fault brings limp mode
    look at it   emissions and comfort: at the next opportunity
    unknown      not in this table

A flashing engine lamp (misfire that is burning the catalyst) cannot be heard: PID 01 tells only on or off. So misfires are
`soon`, and the advice names the lamp. A stop-now never replaces the car's own lamp: it is said after the drive, and says so.
Doubt: service 03 brings emission-related codes; chassis and body codes are seldom among them.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["stop now", "soon", "look at it", "unknown"]


class Described(NamedTuple):
    """`words`: a clause that can follow a colon, without a full stop."""

    words: str
    severity: Severity


SYSTEMS = "PCBU"  # powertrain, chassis, body, network: the two highest bits
_CODE = re.compile("[PCBU][0-3][0-9A-F]{3}")

MAKERS = ("P1", "P30", "P31", "P32", "P33", "C1", "C2", "B1", "B2", "U1", "U2")  # J2012: each maker's own meaning
MAKERS_WORDS = "a code of the maker: a workshop can read it"
UNLISTED = "a code that this list does not explain: a workshop can read it"
LAMP = "MIL"  # not a code: the engine lamp itself, as PID 01 tells it
LAMP_WORDS = "the engine lamp is on"

ADVICE: dict[Severity, str] = {
    "stop now": "Do not drive on before somebody has looked at it. The car's own warning lamps come first: this message comes "
    "after the drive and does not replace them.",
    "soon": "Have it looked at soon. If the engine lamp flashes while you drive, ease off; a red lamp in the car means stop.",
    "look at it": "Have it looked at when you are next at a workshop. The car's own warning lamps come first.",
    "unknown": "How urgent it is cannot be told from the code alone: go by the car's own warning lamps.",
}
"""What to do, as a sentence that names the car's own lamps: they know more than a code, and sooner."""

# fmt: off
ROWS: tuple[tuple[str, Severity, str], ...] = (
    ("P0001-P0008", "soon", "the fuel pressure cannot be controlled as it should"),
    ("P0010-P0029", "soon", "the camshaft timing is not what the engine asks for"),
    ("P0016-P0019", "soon", "crankshaft and camshaft do not turn in step: the timing chain or belt may have stretched or jumped"),
    ("P0030-P0038", "look at it", "the heating of an oxygen sensor is at fault"),
    ("P0040-P0041", "look at it", "two oxygen sensors seem to have changed places"),
    ("P0042-P0044", "look at it", "the heating of an oxygen sensor is at fault"),
    ("P0045-P0049", "soon", "the turbocharger's control is at fault: power may be cut"),
    ("P0050-P0064", "look at it", "the heating of an oxygen sensor is at fault"),
    ("P0068-P0069", "look at it", "the sensors of the engine's air disagree"),
    ("P0070-P0074", "look at it", "the outside temperature is not read reliably"),
    ("P0075-P0086", "soon", "the control of the valves is at fault electrically"),
    ("P0087", "soon", "the fuel pressure is too low"),
    ("P0088", "soon", "the fuel pressure is too high"),
    ("P0089-P0092", "soon", "the fuel pressure cannot be controlled as it should"),
    ("P0093", "stop now", "much fuel is leaking"),  # at hundreds of bar, beside a hot engine: fire
    ("P0094", "soon", "fuel may be leaking a little: look and smell for it before driving"),
    ("P0095-P0099", "look at it", "the temperature of the intake air is not read reliably"),
    ("P0100-P0104", "look at it", "the flow of the intake air is not read reliably"),
    ("P0105-P0109", "look at it", "the pressure of the intake air is not read reliably"),
    ("P0110-P0114", "look at it", "the temperature of the intake air is not read reliably"),
    ("P0115-P0119", "look at it", "the temperature of the coolant is not read reliably"),
    ("P0120-P0124", "soon", "the throttle or accelerator position is not read reliably: power may be cut"),
    ("P0125", "look at it", "the engine takes too long to get warm"),
    ("P0126", "look at it", "the engine does not stay warm: perhaps the thermostat"),
    ("P0128", "look at it", "the engine does not get warm enough: perhaps the thermostat"),
    ("P0130-P0147", "look at it", "an oxygen sensor in the exhaust is slow or at fault"),
    ("P0150-P0167", "look at it", "an oxygen sensor in the exhaust is slow or at fault"),
    ("P0168-P0169", "look at it", "the fuel is too warm or not what it should be"),
    ("P0170-P0175", "look at it", "the mixture of fuel and air is not right"),
    ("P0171", "look at it", "the mixture is too lean (too much air): perhaps a leak behind the air filter"),
    ("P0172", "look at it", "the mixture is too rich (too much fuel)"),
    ("P0174", "look at it", "the mixture is too lean on the second bank (too much air): perhaps a leak behind the air filter"),
    ("P0175", "look at it", "the mixture is too rich on the second bank (too much fuel)"),
    ("P0176-P0179", "look at it", "the composition of the fuel is not read reliably"),
    ("P0180-P0189", "look at it", "the temperature of the fuel is not read reliably"),
    ("P0190-P0194", "soon", "the fuel pressure is not read reliably"),
    ("P0195-P0199", "look at it", "the temperature of the engine oil is not read reliably"),
    ("P0200", "soon", "the wiring of an injector is at fault"),
    ("P0201-P0212", "soon", "the injector of cylinder {n} is at fault electrically"),
    ("P0213-P0216", "soon", "the injection is at fault electrically"),
    ("P0217", "stop now", "the engine is too hot"),  # minutes more warp the head or seize it
    ("P0218", "soon", "the transmission was too hot: let it cool before driving on"),
    ("P0219", "soon", "the engine has turned faster than it may"),
    ("P0220-P0229", "soon", "the throttle or accelerator position is not read reliably: power may be cut"),
    ("P0230-P0233", "soon", "the fuel pump is at fault electrically"),
    ("P0234", "soon", "the turbocharger gives too much pressure: power may be cut"),
    ("P0235-P0250", "soon", "the turbocharger's control or sensor is at fault: power may be cut"),
    ("P0251-P0260", "soon", "the injection pump does not meter as it should"),
    ("P0261-P0296", "soon", "an injector is at fault, or its cylinder does not do its share"),
    ("P0297", "look at it", "the car was driven faster than it allows"),
    ("P0298", "stop now", "the engine oil is too hot"),  # it no longer carries the bearings
    ("P0299", "soon", "the turbocharger gives too little pressure: power may be cut"),
    ("P0300", "soon", "the engine misfires, and not in one cylinder only: unburnt fuel can destroy the catalyst"),
    ("P0301-P0312", "soon", "the engine misfires in cylinder {n}: unburnt fuel can destroy the catalyst"),
    ("P0313", "soon", "the engine misfires with the fuel nearly used up"),
    ("P0314", "soon", "the engine misfires in one cylinder: unburnt fuel can destroy the catalyst"),
    ("P0315", "look at it", "the pattern of the crankshaft has not been learned"),
    ("P0316", "soon", "the engine misfires just after the start"),
    ("P0320-P0323", "look at it", "the engine speed is not read reliably"),
    ("P0324-P0334", "look at it", "a knock sensor is at fault: the engine protects itself and uses more fuel"),
    ("P0335-P0339", "soon", "the sensor of the crankshaft fails: the engine may stop or not start"),
    ("P0340-P0349", "soon", "the sensor of a camshaft fails: the engine may run badly or not start"),
    ("P0350-P0362", "soon", "an ignition coil is at fault electrically"),
    ("P0365-P0369", "soon", "the sensor of a camshaft fails: the engine may run badly or not start"),
    ("P0370-P0379", "look at it", "the reference of the injection timing is not read reliably"),
    ("P0380-P0384", "look at it", "the glow plugs are at fault: it may start badly when cold"),
    ("P0385-P0389", "soon", "the second sensor of the crankshaft fails: the engine may stop or not start"),
    ("P0390-P0394", "soon", "the sensor of a camshaft fails: the engine may run badly or not start"),
    ("P0400-P0409", "look at it", "the exhaust gas recirculation does not do what it should"),
    ("P0410-P0419", "look at it", "the secondary air after a cold start does not do what it should"),
    ("P0420-P0439", "look at it", "the catalyst cleans less than it should"),
    ("P0440-P0459", "look at it", "the fuel vapour system leaks or does not flush as it should"),
    ("P0455", "look at it", "the fuel vapour system leaks much: perhaps the tank cap"),
    ("P0456", "look at it", "the fuel vapour system leaks a little: perhaps the tank cap"),
    ("P0457", "look at it", "the tank cap is loose or missing"),
    ("P0460-P0464", "look at it", "the fuel level is not read reliably: do not trust the gauge"),
    ("P0465-P0469", "look at it", "the flushing of fuel vapour is not read reliably"),
    ("P0470-P0479", "look at it", "the pressure of the exhaust is not read or not controlled"),
    ("P0480-P0485", "soon", "a cooling fan does not do what it should: watch the temperature"),
    ("P0486-P0490", "look at it", "the exhaust gas recirculation is at fault electrically"),
    ("P0491-P0492", "look at it", "the secondary air after a cold start is too little"),
    ("P0493-P0495", "soon", "a cooling fan does not turn as fast as it should: watch the temperature"),
    ("P0496-P0499", "look at it", "the fuel vapour system leaks or does not flush as it should"),
    ("P0500-P0503", "look at it", "the car's speed is not read reliably"),
    ("P0504", "soon", "the switches of the brake pedal disagree: check that the brake lights work"),
    ("P0505-P0511", "look at it", "the idle speed is not what it should be"),
    ("P0512", "look at it", "the request to start is not read reliably"),
    ("P0513", "look at it", "the immobiliser does not know the key"),
    ("P0514-P0517", "look at it", "the temperature of the 12 V battery is not read reliably"),
    ("P0518-P0519", "look at it", "the idle speed is not what it should be"),
    ("P0520-P0523", "soon", "the oil pressure is not read reliably: the oil lamp may not warn"),
    ("P0524", "stop now", "the oil pressure is too low"),  # measured; P0520–P0523 is the sensor's wiring: bearings last minutes
    ("P0530-P0534", "look at it", "the pressure of the air conditioning is not right or not read"),
    ("P0544-P0549", "look at it", "the temperature of the exhaust is not read reliably"),
    ("P0550-P0554", "look at it", "the pressure of the power steering is not read reliably"),
    ("P0560-P0563", "soon", "the voltage of the car's electrics is not right: the battery, the alternator or a bad contact"),
    ("P0564-P0570", "look at it", "the cruise control is at fault"),
    ("P0571-P0573", "soon", "the switch of the brake pedal is at fault: check that the brake lights work"),
    ("P0574-P0596", "look at it", "the cruise control is at fault"),
    ("P0600-P060F", "soon", "the engine's control unit has found a fault in itself"),
    ("P0615-P0617", "look at it", "the starter's relay is at fault: it may not start"),
    ("P061A-P061F", "soon", "the engine's control unit has found a fault in itself"),
    ("P0620-P0623", "soon", "the alternator or its control is at fault: the battery may not be charged"),
    ("P0625-P0626", "soon", "the alternator or its control is at fault: the battery may not be charged"),
    ("P0627-P0629", "soon", "the fuel pump is at fault electrically"),
    ("P0630-P0631", "look at it", "a control unit does not hold this car's VIN"),
    ("P0641-P0643", "soon", "the supply of several sensors is at fault"),
    ("P0645-P0648", "look at it", "the compressor of the air conditioning is at fault electrically"),
    ("P0650", "look at it", "the engine lamp itself is at fault: it may not warn"),
    ("P0651-P0653", "soon", "the supply of several sensors is at fault"),
    ("P0657-P0659", "soon", "the supply of several actuators is at fault"),
    ("P0670-P0684", "look at it", "a glow plug or its control is at fault: it may start badly when cold"),
    ("P0685-P0690", "soon", "the main relay of the engine's control unit is at fault: the engine may not start"),
    ("P0691-P0694", "soon", "a cooling fan is at fault electrically: watch the temperature"),
    ("P0697-P0699", "soon", "the supply of several sensors is at fault"),
    ("P0700-P09FF", "soon", "the transmission has a fault"),
    ("P0710-P0714", "soon", "the temperature of the transmission is not read reliably"),
    ("P0730-P0736", "soon", "a gear does not engage or slips"),
    ("P0740-P0749", "soon", "the clutch of the torque converter does not lock as it should"),
    ("P0A00-P0BFF", "soon", "the hybrid or electric drive has a fault"),
    ("P0A0A-P0A0D", "soon", "the safety circuit of the high voltage has a fault: it may not start; do not touch orange cables"),
    ("P0A7E", "stop now", "the high-voltage battery is too hot"),  # cells that heat themselves catch fire
    ("P0A80", "soon", "the high-voltage battery is worn out or has a bad part"),
    ("P0AA6", "soon", "the insulation of the high voltage is not what it should be: do not touch orange cables"),
    ("P2000-P2001", "look at it", "the cleaning of nitrogen oxides does less than it should"),
    ("P2002-P2003", "look at it", "the particulate filter cleans less than it should"),
    ("P2004-P2023", "look at it", "the flaps of the intake do not do what they should"),
    ("P2047-P205F", "look at it", "the dosing of the exhaust fluid (AdBlue) is at fault"),
    ("P2096-P2099", "look at it", "the mixture behind the catalyst is not right"),
    ("P20E8-P20E9", "soon", "the exhaust fluid (AdBlue) has the wrong pressure: the car may refuse to start after a while"),
    ("P20EE", "look at it", "the exhaust fluid (AdBlue) cleans less than it should"),
    ("P2100-P2119", "soon", "the throttle does not follow as it should: power may be cut"),
    ("P2120-P2140", "soon", "the throttle or accelerator position is not read reliably: power may be cut"),
    ("P2187-P2194", "look at it", "the mixture of fuel and air is not right"),
    ("P2195-P2198", "look at it", "an oxygen sensor says the same all the time: too lean or too rich"),
    ("P2200-P2225", "look at it", "a sensor of nitrogen oxides is at fault"),
    ("P2263", "soon", "the turbocharger does not reach its pressure: power may be cut"),
    ("P2452-P2455", "look at it", "the pressure at the particulate filter is not read reliably"),
    ("P2458-P2459", "look at it", "the particulate filter is cleaned too long or too often"),
    ("P2463", "soon", "the particulate filter is full: a steady drive may clean it, else a workshop"),
    ("P250F", "soon", "the engine oil is low: check it before the next drive"),
    ("P2700-P28FF", "soon", "the transmission has a fault"),
    ("C0031-C0050", "soon", "the speed of a wheel is not read: anti-lock and stability control may be off"),
    ("B0001-B00FF", "soon", "the airbags or belt tensioners have a fault: they may not work in a crash"),
    ("U0001-U0099", "soon", "the lines by which the control units talk are disturbed"),
    ("U0100-U02FF", "soon", "a control unit does not answer the others"),
    ("U0100", "soon", "the engine's control unit does not answer the others"),
    ("U0101", "soon", "the transmission's control unit does not answer the others"),
    ("U0110", "soon", "the electric motor's control unit does not answer the others"),
    ("U0111", "soon", "the high-voltage battery's control unit does not answer the others"),
    ("U0121", "soon", "the anti-lock brakes do not answer the others: heed a red brake lamp"),
    ("U0122", "soon", "the stability control does not answer the others: it may be off"),
    ("U0126", "soon", "the steering angle is not known: stability control may be off"),
    ("U0128", "soon", "the parking brake does not answer the others"),
    ("U0129", "soon", "the brake system does not answer the others: heed a red brake lamp"),
    ("U0131", "soon", "the power steering does not answer the others: steering may be heavy"),
    ("U0140", "soon", "the control unit of lights, locks and wipers does not answer the others"),
    ("U0146", "soon", "the gateway between the car's buses does not answer"),
    ("U0151", "soon", "the airbags do not answer the others: they may not work in a crash"),
    ("U0155", "look at it", "the instrument cluster does not answer the others"),
    ("U0164", "look at it", "the air conditioning does not answer the others"),
    ("U0184", "look at it", "the radio does not answer the others"),
    ("U0300-U03FF", "look at it", "the software of two control units does not fit together"),
    ("U0400-U05FF", "look at it", "a control unit hears something implausible from another"),
)
# fmt: on


def number_of(code: str) -> int:
    """The two bytes of a code, high byte first. ValueError for what is no code."""
    if not is_code(code):
        raise ValueError(f"{code!r} is no trouble code: one letter of {SYSTEMS}, a digit 0–3, three hex digits")
    return SYSTEMS.index(code[0]) << 14 | int(code[1:], 16)


def code_of(raw: int) -> str:
    """Two bytes as an answer of services 03, 07 and 0A holds them → "P0301"; 0 is "P0000", which is none."""
    return f"{SYSTEMS[raw >> 14]}{raw >> 12 & 3}{raw & 0xFFF:03X}"


def is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None


def _narrowest_first() -> list[tuple[int, int, Described]]:
    """The rows as (first, last, what it means)."""
    rows = [(number_of(codes[:5]), number_of(codes[-5:]), Described(words, severity)) for codes, severity, words in ROWS]
    return sorted(rows, key=lambda row: (row[1] - row[0], row[0]))


_ROWS = _narrowest_first()


def describe(code: str) -> Described:
    """What a code means and how soon it matters; also of LAMP. `unknown` for what is not known, and for what is no code."""
    if code == LAMP:
        return Described(LAMP_WORDS, "soon")
    if not is_code(code):
        return Described(UNLISTED, "unknown")
    if code.startswith(MAKERS):
        return Described(MAKERS_WORDS, "unknown")
    number = number_of(code)
    for first, last, found in _ROWS:
        if not first <= number <= last:
            continue
        if "{n}" not in found.words:
            return found
        if code[3:].isdigit():  # cylinders are counted in decimal: P0310 is the tenth, P030A means something else
            return found._replace(words=found.words.format(n=int(code[3:])))
    return Described(UNLISTED, "unknown")
