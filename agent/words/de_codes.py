"""What a trouble code means, in German: a table from agent/dtc.py's words, of them all."""

from __future__ import annotations

# fmt: off
MEANINGS: dict[str, str] = {
    "the fuel pressure cannot be controlled as it should": "der Kraftstoffdruck lässt sich nicht regeln, wie er soll",
    "the camshaft timing is not what the engine asks for":
        "die Steuerzeiten der Nockenwelle sind nicht, wie der Motor sie anfordert",
    "crankshaft and camshaft do not turn in step: the timing chain or belt may have stretched or jumped":
        "Kurbelwelle und Nockenwelle laufen nicht im Takt: Steuerkette oder Zahnriemen können gelängt oder übergesprungen sein",
    "the turbocharger's control is at fault: power may be cut":
        "die Steuerung des Turboladers ist gestört: Die Leistung kann begrenzt werden",
    "the control of the valves is at fault electrically": "die Steuerung der Ventile ist elektrisch gestört",
    "the fuel pressure is too low": "der Kraftstoffdruck ist zu niedrig",
    "the fuel pressure is too high": "der Kraftstoffdruck ist zu hoch",
    "much fuel is leaking": "es tritt viel Kraftstoff aus",
    "fuel may be leaking a little: look and smell for it before driving":
        "es kann etwas Kraftstoff austreten: vor der Fahrt danach sehen und riechen",
    "the throttle or accelerator position is not read reliably: power may be cut":
        "die Stellung von Drosselklappe oder Fahrpedal wird nicht sicher erfasst: Die Leistung kann begrenzt werden",
    "the fuel pressure is not read reliably": "der Kraftstoffdruck wird nicht sicher erfasst",
    "the wiring of an injector is at fault": "die Leitung eines Einspritzventils ist gestört",
    "the injector of cylinder {n} is at fault electrically": "das Einspritzventil von Zylinder {n} ist elektrisch gestört",
    "the injection is at fault electrically": "die Einspritzung ist elektrisch gestört",
    "the engine is too hot": "der Motor ist zu heiß",
    "the transmission was too hot: let it cool before driving on":
        "das Getriebe war zu heiß: vor der Weiterfahrt abkühlen lassen",
    "the engine has turned faster than it may": "der Motor hat höher gedreht, als er darf",
    "the fuel pump is at fault electrically": "die Kraftstoffpumpe ist elektrisch gestört",
    "the turbocharger gives too much pressure: power may be cut":
        "der Turbolader gibt zu viel Druck: Die Leistung kann begrenzt werden",
    "the turbocharger's control or sensor is at fault: power may be cut":
        "Steuerung oder Sensor des Turboladers sind gestört: Die Leistung kann begrenzt werden",
    "the injection pump does not meter as it should": "die Einspritzpumpe dosiert nicht, wie sie soll",
    "an injector is at fault, or its cylinder does not do its share":
        "ein Einspritzventil ist gestört, oder sein Zylinder leistet zu wenig",
    "the engine oil is too hot": "das Motoröl ist zu heiß",
    "the turbocharger gives too little pressure: power may be cut":
        "der Turbolader gibt zu wenig Druck: Die Leistung kann begrenzt werden",
    "the engine misfires, and not in one cylinder only: unburnt fuel can destroy the catalyst":
        "der Motor hat Zündaussetzer, in mehr als einem Zylinder: Unverbrannter Kraftstoff kann den Katalysator zerstören",
    "the engine misfires in cylinder {n}: unburnt fuel can destroy the catalyst":
        "der Motor hat Zündaussetzer in Zylinder {n}: Unverbrannter Kraftstoff kann den Katalysator zerstören",
    "the engine misfires with the fuel nearly used up": "der Motor hat Zündaussetzer bei fast leerem Tank",
    "the engine misfires in one cylinder: unburnt fuel can destroy the catalyst":
        "der Motor hat Zündaussetzer in einem Zylinder: Unverbrannter Kraftstoff kann den Katalysator zerstören",
    "the engine misfires just after the start": "der Motor hat Zündaussetzer gleich nach dem Start",
    "the sensor of the crankshaft fails: the engine may stop or not start":
        "der Sensor der Kurbelwelle fällt aus: Der Motor kann ausgehen oder nicht anspringen",
    "the sensor of a camshaft fails: the engine may run badly or not start":
        "der Sensor einer Nockenwelle fällt aus: Der Motor kann schlecht laufen oder nicht anspringen",
    "an ignition coil is at fault electrically": "eine Zündspule ist elektrisch gestört",
    "the second sensor of the crankshaft fails: the engine may stop or not start":
        "der zweite Sensor der Kurbelwelle fällt aus: Der Motor kann ausgehen oder nicht anspringen",
    "a cooling fan does not do what it should: watch the temperature":
        "ein Lüfter des Kühlers tut nicht, was er soll: auf die Temperatur achten",
    "a cooling fan does not turn as fast as it should: watch the temperature":
        "ein Lüfter des Kühlers dreht nicht so schnell, wie er soll: auf die Temperatur achten",
    "the switches of the brake pedal disagree: check that the brake lights work":
        "die Schalter am Bremspedal widersprechen sich: prüfen, ob die Bremslichter gehen",
    "the oil pressure is not read reliably: the oil lamp may not warn":
        "der Öldruck wird nicht sicher erfasst: Die Öllampe warnt vielleicht nicht",
    "the oil pressure is too low": "der Öldruck ist zu niedrig",
    "the voltage of the car's electrics is not right: the battery, the alternator or a bad contact":
        "die Bordspannung stimmt nicht: Batterie, Lichtmaschine oder ein schlechter Kontakt",
    "the switch of the brake pedal is at fault: check that the brake lights work":
        "der Schalter am Bremspedal ist gestört: prüfen, ob die Bremslichter gehen",
    "the engine's control unit has found a fault in itself": "das Motorsteuergerät hat einen Fehler in sich selbst gefunden",
    "the alternator or its control is at fault: the battery may not be charged":
        "die Lichtmaschine oder ihre Regelung ist gestört: Die Batterie wird vielleicht nicht geladen",
    "the supply of several sensors is at fault": "die Versorgung mehrerer Sensoren ist gestört",
    "the supply of several actuators is at fault": "die Versorgung mehrerer Stellglieder ist gestört",
    "the main relay of the engine's control unit is at fault: the engine may not start":
        "das Hauptrelais des Motorsteuergeräts ist gestört: Der Motor springt vielleicht nicht an",
    "a cooling fan is at fault electrically: watch the temperature":
        "ein Lüfter des Kühlers ist elektrisch gestört: auf die Temperatur achten",
    "the transmission has a fault": "das Getriebe hat eine Störung",
    "the temperature of the transmission is not read reliably": "die Temperatur des Getriebes wird nicht sicher erfasst",
    "a gear does not engage or slips": "ein Gang greift nicht oder rutscht durch",
    "the clutch of the torque converter does not lock as it should":
        "die Kupplung des Drehmomentwandlers schließt nicht, wie sie soll",
    "the hybrid or electric drive has a fault": "der Hybrid- oder Elektroantrieb hat eine Störung",
    "the safety circuit of the high voltage has a fault: it may not start; do not touch orange cables":
        "der Sicherheitskreis der Hochspannung ist gestört: Das Auto startet vielleicht nicht; orange Kabel nicht berühren",
    "the high-voltage battery is too hot": "die Hochvoltbatterie ist zu heiß",
    "the high-voltage battery is worn out or has a bad part": "die Hochvoltbatterie ist verbraucht oder hat ein schlechtes Teil",
    "the insulation of the high voltage is not what it should be: do not touch orange cables":
        "die Isolierung der Hochspannung ist nicht, wie sie sein soll: orange Kabel nicht berühren",
    "the exhaust fluid (AdBlue) has the wrong pressure: the car may refuse to start after a while":
        "der Druck der Abgasflüssigkeit (AdBlue) stimmt nicht: Das Auto startet nach einiger Zeit vielleicht nicht mehr",
    "the throttle does not follow as it should: power may be cut":
        "die Drosselklappe folgt nicht, wie sie soll: Die Leistung kann begrenzt werden",
    "the turbocharger does not reach its pressure: power may be cut":
        "der Turbolader erreicht seinen Druck nicht: Die Leistung kann begrenzt werden",
    "the particulate filter is full: a steady drive may clean it, else a workshop":
        "der Partikelfilter ist voll: Eine gleichmäßige Fahrt reinigt ihn vielleicht, sonst die Werkstatt",
    "the engine oil is low: check it before the next drive": "der Ölstand ist niedrig: vor der nächsten Fahrt prüfen",
    "the speed of a wheel is not read: anti-lock and stability control may be off":
        "die Drehzahl eines Rads wird nicht erfasst: ABS und ESP können aus sein",
    "the airbags or belt tensioners have a fault: they may not work in a crash":
        "Airbags oder Gurtstraffer haben eine Störung: Bei einem Unfall wirken sie vielleicht nicht",
    "the lines by which the control units talk are disturbed": "die Leitungen zwischen den Steuergeräten sind gestört",
    "a control unit does not answer the others": "ein Steuergerät antwortet den anderen nicht",
    "the engine's control unit does not answer the others": "das Motorsteuergerät antwortet den anderen nicht",
    "the transmission's control unit does not answer the others": "das Getriebesteuergerät antwortet den anderen nicht",
    "the electric motor's control unit does not answer the others":
        "das Steuergerät des Elektromotors antwortet den anderen nicht",
    "the high-voltage battery's control unit does not answer the others":
        "das Steuergerät der Hochvoltbatterie antwortet den anderen nicht",
    "the anti-lock brakes do not answer the others: heed a red brake lamp":
        "das ABS antwortet den anderen nicht: eine rote Bremslampe beachten",
    "the stability control does not answer the others: it may be off": "das ESP antwortet den anderen nicht: Es kann aus sein",
    "the steering angle is not known: stability control may be off": "der Lenkwinkel ist nicht bekannt: Das ESP kann aus sein",
    "the parking brake does not answer the others": "die Feststellbremse antwortet den anderen nicht",
    "the brake system does not answer the others: heed a red brake lamp":
        "das Bremssystem antwortet den anderen nicht: eine rote Bremslampe beachten",
    "the power steering does not answer the others: steering may be heavy":
        "die Servolenkung antwortet den anderen nicht: Das Lenken kann schwer gehen",
    "the control unit of lights, locks and wipers does not answer the others":
        "das Steuergerät für Licht, Schlösser und Wischer antwortet den anderen nicht",
    "the gateway between the car's buses does not answer": "der Vermittler zwischen den Datenbussen des Autos antwortet nicht",
    "the airbags do not answer the others: they may not work in a crash":
        "die Airbags antworten den anderen nicht: Bei einem Unfall wirken sie vielleicht nicht",
    "the heating of an oxygen sensor is at fault": "die Heizung einer Lambdasonde ist gestört",
    "two oxygen sensors seem to have changed places": "zwei Lambdasonden scheinen vertauscht zu sein",
    "the sensors of the engine's air disagree": "die Sensoren für die Luft des Motors widersprechen sich",
    "the outside temperature is not read reliably": "die Außentemperatur wird nicht sicher erfasst",
    "the temperature of the intake air is not read reliably": "die Temperatur der Ansaugluft wird nicht sicher erfasst",
    "the flow of the intake air is not read reliably": "die Menge der Ansaugluft wird nicht sicher erfasst",
    "the pressure of the intake air is not read reliably": "der Druck der Ansaugluft wird nicht sicher erfasst",
    "the temperature of the coolant is not read reliably": "die Temperatur des Kühlmittels wird nicht sicher erfasst",
    "the engine takes too long to get warm": "der Motor braucht zu lange, um warm zu werden",
    "the engine does not stay warm: perhaps the thermostat": "der Motor bleibt nicht warm: vielleicht der Thermostat",
    "the engine does not get warm enough: perhaps the thermostat": "der Motor wird nicht warm genug: vielleicht der Thermostat",
    "an oxygen sensor in the exhaust is slow or at fault": "eine Lambdasonde im Abgas ist träge oder gestört",
    "the fuel is too warm or not what it should be": "der Kraftstoff ist zu warm oder nicht, wie er sein soll",
    "the mixture of fuel and air is not right": "das Gemisch aus Kraftstoff und Luft stimmt nicht",
    "the mixture is too lean (too much air): perhaps a leak behind the air filter":
        "das Gemisch ist zu mager (zu viel Luft): vielleicht ein Leck hinter dem Luftfilter",
    "the mixture is too rich (too much fuel)": "das Gemisch ist zu fett (zu viel Kraftstoff)",
    "the mixture is too lean on the second bank (too much air): perhaps a leak behind the air filter":
        "das Gemisch ist auf der zweiten Bank zu mager (zu viel Luft): vielleicht ein Leck hinter dem Luftfilter",
    "the mixture is too rich on the second bank (too much fuel)":
        "das Gemisch ist auf der zweiten Bank zu fett (zu viel Kraftstoff)",
    "the composition of the fuel is not read reliably": "die Zusammensetzung des Kraftstoffs wird nicht sicher erfasst",
    "the temperature of the fuel is not read reliably": "die Temperatur des Kraftstoffs wird nicht sicher erfasst",
    "the temperature of the engine oil is not read reliably": "die Temperatur des Motoröls wird nicht sicher erfasst",
    "the car was driven faster than it allows": "das Auto wurde schneller gefahren, als es zulässt",
    "the pattern of the crankshaft has not been learned": "das Muster der Kurbelwelle ist nicht angelernt",
    "the engine speed is not read reliably": "die Drehzahl des Motors wird nicht sicher erfasst",
    "a knock sensor is at fault: the engine protects itself and uses more fuel":
        "ein Klopfsensor ist gestört: Der Motor schützt sich und verbraucht mehr",
    "the reference of the injection timing is not read reliably":
        "der Bezug für den Einspritzzeitpunkt wird nicht sicher erfasst",
    "the glow plugs are at fault: it may start badly when cold":
        "die Glühkerzen sind gestört: Kalt startet das Auto vielleicht schlecht",
    "the exhaust gas recirculation does not do what it should": "die Abgasrückführung tut nicht, was sie soll",
    "the secondary air after a cold start does not do what it should":
        "die Sekundärluft nach dem Kaltstart tut nicht, was sie soll",
    "the catalyst cleans less than it should": "der Katalysator reinigt weniger, als er soll",
    "the fuel vapour system leaks or does not flush as it should":
        "die Tankentlüftung ist undicht oder spült nicht, wie sie soll",
    "the fuel vapour system leaks much: perhaps the tank cap": "die Tankentlüftung ist stark undicht: vielleicht der Tankdeckel",
    "the fuel vapour system leaks a little: perhaps the tank cap":
        "die Tankentlüftung ist etwas undicht: vielleicht der Tankdeckel",
    "the tank cap is loose or missing": "der Tankdeckel ist lose oder fehlt",
    "the fuel level is not read reliably: do not trust the gauge":
        "der Tankinhalt wird nicht sicher erfasst: der Anzeige nicht trauen",
    "the flushing of fuel vapour is not read reliably": "die Spülung der Tankentlüftung wird nicht sicher erfasst",
    "the pressure of the exhaust is not read or not controlled": "der Druck des Abgases wird nicht erfasst oder nicht geregelt",
    "the exhaust gas recirculation is at fault electrically": "die Abgasrückführung ist elektrisch gestört",
    "the secondary air after a cold start is too little": "die Sekundärluft nach dem Kaltstart ist zu wenig",
    "the car's speed is not read reliably": "die Geschwindigkeit des Autos wird nicht sicher erfasst",
    "the idle speed is not what it should be": "die Leerlaufdrehzahl ist nicht, wie sie sein soll",
    "the request to start is not read reliably": "die Anforderung zum Starten wird nicht sicher erfasst",
    "the immobiliser does not know the key": "die Wegfahrsperre kennt den Schlüssel nicht",
    "the temperature of the 12 V battery is not read reliably": "die Temperatur der 12-V-Batterie wird nicht sicher erfasst",
    "the pressure of the air conditioning is not right or not read":
        "der Druck der Klimaanlage stimmt nicht oder wird nicht erfasst",
    "the temperature of the exhaust is not read reliably": "die Temperatur des Abgases wird nicht sicher erfasst",
    "the pressure of the power steering is not read reliably": "der Druck der Servolenkung wird nicht sicher erfasst",
    "the cruise control is at fault": "der Tempomat ist gestört",
    "the starter's relay is at fault: it may not start":
        "das Relais des Anlassers ist gestört: Das Auto startet vielleicht nicht",
    "a control unit does not hold this car's VIN": "in einem Steuergerät steht nicht die Fahrgestellnummer dieses Autos",
    "the compressor of the air conditioning is at fault electrically": "der Kompressor der Klimaanlage ist elektrisch gestört",
    "the engine lamp itself is at fault: it may not warn": "die Motorlampe selbst ist gestört: Sie warnt vielleicht nicht",
    "a glow plug or its control is at fault: it may start badly when cold":
        "eine Glühkerze oder ihre Steuerung ist gestört: Kalt startet das Auto vielleicht schlecht",
    "the cleaning of nitrogen oxides does less than it should": "die Reinigung von Stickoxiden leistet weniger, als sie soll",
    "the particulate filter cleans less than it should": "der Partikelfilter reinigt weniger, als er soll",
    "the flaps of the intake do not do what they should": "die Klappen im Ansaugrohr tun nicht, was sie sollen",
    "the dosing of the exhaust fluid (AdBlue) is at fault": "die Dosierung der Abgasflüssigkeit (AdBlue) ist gestört",
    "the mixture behind the catalyst is not right": "das Gemisch hinter dem Katalysator stimmt nicht",
    "the exhaust fluid (AdBlue) cleans less than it should": "die Abgasflüssigkeit (AdBlue) reinigt weniger, als sie soll",
    "an oxygen sensor says the same all the time: too lean or too rich":
        "eine Lambdasonde meldet immer dasselbe: zu mager oder zu fett",
    "a sensor of nitrogen oxides is at fault": "ein Sensor für Stickoxide ist gestört",
    "the pressure at the particulate filter is not read reliably": "der Druck am Partikelfilter wird nicht sicher erfasst",
    "the particulate filter is cleaned too long or too often": "der Partikelfilter wird zu lange oder zu oft gereinigt",
    "the instrument cluster does not answer the others": "das Kombiinstrument antwortet den anderen nicht",
    "the air conditioning does not answer the others": "die Klimaanlage antwortet den anderen nicht",
    "the radio does not answer the others": "das Radio antwortet den anderen nicht",
    "the software of two control units does not fit together": "die Software zweier Steuergeräte passt nicht zusammen",
    "a control unit hears something implausible from another": "ein Steuergerät hört von einem anderen etwas Unglaubhaftes",
    "a code of the maker: a workshop can read it": "ein Code des Herstellers: Eine Werkstatt kann ihn lesen",
    "a code that this list does not explain: a workshop can read it":
        "ein Code, den diese Liste nicht erklärt: Eine Werkstatt kann ihn lesen",
    "the engine lamp is on": "die Motorlampe ist an",
}
# fmt: on
