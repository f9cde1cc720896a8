"""German phrases: six topics, invented places. Data only; it knows no draw and no account."""

from __future__ import annotations

OPENERS = """
Na toll. | Hm. | Ernsthaft? | Update: | Wow. | Kurze Frage. | Gerade gelesen: | Achtung: |
Guten Morgen! |
Sag ich doch. | Nur mal so: | Endlich! | Oje. | Fürs Protokoll: | Seufz. | Zur Erinnerung: |
Notiert. |
Steile These: | So. | Spät dran, aber: | Stimmt: | Aus dem Fenster gesehen: | Aufgeschnappt: |
Mir neu:
Kein Witz: | Moin! | Wichtig: | Liebe Leute: | Feierabend. | Zwischenstand:
"""
TIMES = """
heute | heute früh | heute Abend | gestern Nacht | schon wieder | seit Montag | zum dritten Mal |
vor dem Mittag | nach der Pause | aus dem Nichts | das ganze Wochenende | pünktlich |
wie immer zu spät |
bei Regen | ohne Vorwarnung | auf den letzten Drücker | ein Jahr später | vor aller Augen
"""
PLACES = """
in Altenwiek | in Birkenhain | in Dornau | bei Eichstädt | in Falkenrode | am Grünen Tor |
in Hohenlinde | rund um Ilmenfeld | im Jakobspark | an der Kranbrücke | in Kleinmoor |
in Lindenwerth | drüben in Mühltal | in Neuheide | am Ostbahnhof Ranzig | in Pappelhafen |
vor Quellenau | in Rotermühl | in Salzwede | in Tannrode | oben in Ulmberg |
in der Vogelgasse | in Westeraue | an der Zeisigstraße
"""
COMMENTS = """
Wer unterschreibt sowas eigentlich? | Mein Nachbar sagt das seit Monaten. |
Ich will die Zahlen sehen.
Überrascht mich nicht mehr. | Hätte schlimmer kommen können. | Bitte einmal langsam erklären.
Meine Kinder haben es vor mir gemerkt. | Das verdient mehr Aufmerksamkeit. |
Da habe ich meine Meinung geändert.
Bei uns im Betrieb hat das nicht geklappt. | Immer noch besser als letztes Jahr. |
Wollte keiner, aber gut.
Lese gerade das Kleingedruckte. | Ich gebe dem Ganzen zwei Wochen. | Das rettet mir den Tag. |
Was für ein Chaos.
Weiß noch nicht, wie ich das finde. | Für später gespeichert. | Tschüss, ruhiger Abend. |
Irre mich gern.
Danke an alle, die wach geblieben sind. | Darüber ist mein Kaffee kalt geworden. |
Die Kommentare sind Gold.
Bei uns reden alle davon. | Glaube ich erst, wenn ich es sehe. |
Schauen wir in einem Monat noch mal.
Kostet weniger, als man denkt. | Das Foto wird dem nicht gerecht. |
Ich hätte da Fragen, vor allem zum Geld.
Ehre, wem Ehre gebührt. | Dazu gibt es einen guten langen Text. | Den Film kenne ich schon.
Applaus aus der letzten Reihe. | Das Warten hat sich gelohnt. | Man hört es drei Straßen weiter.
Meine Oma hätte das geliebt. | Ist sonst noch jemand wach? | Drei Busse später denke ich noch daran.
Der alte Plan war einfacher. | Nichts, was eine Sitzung nicht ruiniert. |
Beim zweiten Lesen wird es besser.
Fragt mich nach dem Ausschlafen. | Habe mitgeschrieben, damit ihr es nicht müsst. |
Bin nur neugierig.
Sagt mir bitte, dass es einen Plan B gibt. | So muss das, mehr davon. | Stand natürlich ganz hinten.
"""
REPLIES = """
Danke, das hilft. | Wo steht das? | Genau mein Punkt. | Glaube ich nicht. |
Haha, auch wieder wahr. |
Bei mir genauso. | Gibt es eine Quelle? | War das nicht letztes Jahr? | Sprich für dich. |
Sehe ich auch so.
So habe ich das nicht in Erinnerung. | Viel Glück damit! | Dir fehlt die halbe Geschichte. |
Gut gesagt. | Nein.
Magst du mehr erzählen? | Schreibe dir eine Nachricht. | Das ist ein anderer Fall. |
Herrlich, danke. | Warum?
Da kommen wir nicht zusammen. | Ich war da, es war okay. | Meins gelöscht, deins ist besser. |
Frag im Amt.
Wie alt sind die Zahlen? | Komm, sei fair. | Ich zähle auf dich. | Im Mai klang das anders. | Krass.
"""
TOPICS = {
    "transit": """
der Stadtrat | der Nachtbus | die neue Tramlinie | die Umgehungsstraße | die Ticket-App |
das Rathaus |
der Radwegplan | die Fährgesellschaft | der Aufzug am Bahnhof | die Parkzone | die Regionalbahn |
die Brückensanierung | die Gewerkschaft der Busfahrer | die Verkehrszählung | die Linie sieben |
die Schulstraße
;; erhöht die Preise um ein Fünftel | lässt zwei Haltestellen aus | bekommt noch einmal Fördergeld |
streicht die Abendfahrten | läuft endlich nach Plan | bittet um etwas Geduld |
bleibt bis auf Weiteres gesperrt |
verspricht mehr Barrierefreiheit | hängt einen unlesbaren Fahrplan aus | verliert die Unterlagen |
startet einen Monat früher |
schiebt es auf die Baufirma | verdoppelt die Fahrgastzahlen | muss durch den Haushalt |
stellt vierzig Leute ein |
legt die Unfallzahlen vor | steht hinter einem Lieferwagen | schafft das Papierticket ab
;; nahverkehr bahnstreik ticketpreise radverkehr pendeln baustelle tram barrierefrei verkehrswende
stadtrat""",
    "sport": """
die Heimelf | unser Torwart | das Frauenteam | der neue Trainer | die U21 | der Gästeblock |
der Videoschiri | die Kapitänin | die Liga | die Staffel | das alte Stadion | dieser Flügelstürmer |
das Transfergerücht | der Fanrat | die Laufgruppe | der Joker
;; trifft zweimal in zehn Minuten | entscheidet es vom Punkt | verspielt zwei Tore Vorsprung |
trainiert hinter verschlossenen Türen |
unterschreibt bis zum Sommer | humpelt vor der Pause raus | ist in einer Stunde ausverkauft |
bekommt den ersehnten Anruf |
bricht den Vereinsrekord | vergibt die größte Chance | redet nicht mit der Presse |
rettet sich in Unterzahl |
stellt die Tabelle auf den Kopf | feiert mit den Zeugwarten | wechselt zweimal das System |
legt Einspruch ein |
wirkt frischer als die ganze Saison | kickt wie eine Thekenmannschaft
;; spieltag derbysieg pokalabend heimspiel fankurve nachspielzeit tabelle anpfiff halbzeit
auswärts""",
    "energy": """
der Windpark | der Netzbetreiber | unsere Wärmepumpe | die Solargenossenschaft | das Gasterminal |
das Klimagesetz |
der Strompreis | die Batteriefabrik | der Waldfonds | der Hochwasserbericht | der Deichverband |
die CO2-Abgabe |
das Windrad im Dorf | der Kohleausstieg | der Dämmzuschuss | der Wetterdienst
;; liefert mehr als vorhergesagt | steht vor dem Winter auf Rekordhoch |
wartet seit Frühjahr auf die Genehmigung |
rechnet sich in sechs Jahren | spaltet den Ausschuss | landet vor Gericht |
versorgt die halbe Straße |
verschiebt sich um ein Quartal | überrascht sogar die Fachleute | lässt Mieter auf Kosten sitzen |
verliert einen Großinvestor |
geht in die zweite Lesung | warnt vor einem trockenen Sommer | zieht an die Küste |
braucht ein dickeres Kabel |
spart ein kleines Vermögen | schafft es in die Auslandspresse | zählt jede Kilowattstunde doppelt
;; klima energiewende windkraft solarstrom wärmepumpe strompreis netzausbau hochwasser
kohleausstieg dämmung""",
    "health": """
die Klinik | die Grippewelle | unsere Hausarztpraxis | der Dienstplan | die Impfstudie |
das Kreiskrankenhaus |
die Warteliste | die Apotheke an der Ecke | das Sorgentelefon | die Zuckersteuer | das Pflegeheim |
der Rettungsdienst | der Screening-Bus | der Pollenflug | die Zahnversicherung | das Schlaflabor
;; meldet sich nach vierzig Minuten | wird endlich kürzer | sucht Freiwillige |
zählt weniger Fälle als befürchtet |
schließt die Kinderstation | verteilt kostenlose Tests | legt die Daten offen |
hat keine Betten mehr |
verlängert die Öffnungszeiten | bildet jetzt selbst aus | will längere Rezepte |
besteht die Prüfung ohne Mängel |
stellt alles auf online um | bricht den Winterrekord | dankt der Nachtschicht |
plant noch eine Studie |
berät besser als das Internet | berechnet verpasste Termine
;; gesundheit pflege hausarzt grippe impfung klinikalltag schlaf notaufnahme pollen vorsorge""",
    "tech": """
das Browser-Update | der Handyhersteller | das Open-Source-Projekt | die Chipfabrik |
die Suchmaske |
das Datenschutzgesetz | der Chat-Assistent | der Passwortmanager | der Saugroboter |
der Satellitenstart |
der Schul-Laptop | der Cloud-Ausfall | die Karten-App | das Spielestudio | das Reparaturcafé |
der Funkmast
;; zerlegt meine halben Tabs | kommt ohne Ladegerät | verlangt noch ein Login |
wird von den Nutzern geforkt |
holt sich ein Ethikteam | merkt sich zu viel | geht sogar ohne Netz | rutscht ins nächste Quartal |
streicht das Abo | verrät die Planung | besteht die Sicherheitsprüfung | frisst den Akku leer |
angelt sich einen Großauftrag | ändert die Nutzungsbedingungen |
behebt einen zehn Jahre alten Fehler | antwortet in zwei Sprachen |
schaltet das Tracking ab | unterbietet die Großen
;; opensource datenschutz digitalisierung netzpolitik chips ausfall reparieren gamedev ki karten""",
    "food": """
die Bäckerei | der Nachtmarkt | das Café an der Ecke | die Schulmensa | das Dorffest |
die Brauerei |
die Ernte | der Olivenölpreis | der Museumsladen | der Lesekreis | der Jazzabend |
das Filmfestival |
die Kürbissuppe | der Gemeinschaftsgarten | die Köchin von Tisch neun | das alte Kino
;; ist vor neun ausverkauft | ändert schon wieder das Rezept | hängt ein neues Schild auf |
gewinnt einen kleinen Preis |
feiert vierzig Jahre | lässt eine Woche lang jeden zahlen, was er kann | schmeckt nach Kindheit |
bleibt bis nach Mitternacht offen |
braucht einen neuen Ofen | tauscht Fleisch gegen Bohnen | lockt Leute aus drei Orten an |
versteckt hinten ein Klavier |
wird eine Münze teurer | bringt Kindern das Kochen bei | verdient einen größeren Saal |
hat das Gute unter der Theke |
endet mit Feuerwerk | sammelt Mäntel für den Winter
;; lecker nachtmarkt sauerteig lesekreis filmfest jazz ernte streetfood garten wochenende""",
}
