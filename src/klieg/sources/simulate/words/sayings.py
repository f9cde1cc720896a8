"""One statement said eleven ways, in four languages: phrases that share no word of meaning.

Ten concepts (who, what they did, in what company, what follows), aligned over the languages; the
eleven phrasings of a concept have no word of four letters or more in common, nor have two phrasings
of different concepts. Data only. Nobody real is meant.
"""

from __future__ import annotations

__all__ = ["SAYINGS"]


def _listed(block: str) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(p.strip() for p in line.replace("\n", " ").split("|"))
        for line in block.split(";;")
        if line.strip()
    )


SAYINGS: dict[str, dict[str, tuple[tuple[str, ...], ...]]] = {
    "en": {
        "who": _listed("""
the city council | our elected local body | the municipal assembly | everybody in town hall |
the mayor's chamber | the borough leadership | aldermen and alderwomen | our representatives |
this administration | the ruling coalition | the folks from Guildhall Street ;;
the electricity supplier | the power utility | the grid firm | that kilowatt monopolist |
the current provider | the heating corporation | the gas merchant | the turbine owner |
the regional boiler giant | the light bulb lobby | the wattage dealers ;;
the landlords | property holders | the housing magnates | real estate bosses | the letting agents |
whoever has the deeds | the rent collectors | building proprietors | the flat barons |
the apartment tycoons | the lessors
"""),
        "what": _listed("""
made it all dearer | pushed bills upward | lifted what we pay | increased costs |
put a surcharge on us | hiked tariffs | emptied our purses | burdened families by fresh fees |
drove expenses skyward | multiplied charges | squeezed each budget ;;
broke a promise | went back on a word given | did not keep the pledge | abandoned assurances |
forgot vows | dropped the commitment | betrayed solemn guarantees | tore up an agreement |
failed to deliver as announced | reneged shamelessly | dishonoured a contract ;;
hid the report | concealed documents | kept findings secret | buried evidence |
swept data under a carpet | withheld files | silenced auditors | locked papers away |
covered the facts | masked results | blacked out a dossier
"""),
        "why": _listed("""
while pensioners freeze | as nurses count pennies | and workers struggle | but children go hungry |
whereas bakers despair | meanwhile students starve | though grandparents shiver |
leaving cleaners poor | at the cost of drivers | and carers collapse | so widows suffer ;;
not for the first time | once again, as ever | exactly like five years ago | a habit by now |
the third scandal since spring | history repeating itself | the same old pattern |
nothing new, sadly | on yet one Monday | one further chapter of it | déjà vu
"""),
        "then": _listed("""
They must resign. | Hour to step down! | We demand elections. | Vote the lot out. |
Let somebody else govern. | Hand over the keys! | Departure is overdue. |
Show such leaders a door. | Change cannot wait. | Quit, please, immediately. |
Replacement needed today. ;;
Spread it widely. | Tell your neighbours. | Pass the message on. | May everyone hear. |
Forward to all friends. | Talk about it at dinner. | Do not stay quiet. | Create some noise! |
Inform those around you. | Raise awareness. | Speak louder.
"""),
    },
    "de": {
        "who": _listed("""
der Stadtrat | unser gewähltes Gremium | die Bürgerversammlung | alle im Rathaus |
die Kammer am Markt | die Ortsspitze | sämtliche Ratsleute | unsere Vertretung |
diese Verwaltung | die regierende Mehrheit | die Herrschaften vom Amt ;;
der Stromanbieter | das Kraftwerk | die Netzfirma | der Kilowattkonzern | der Energieversorger |
der Heizriese | der Gashändler | der Turbinenbesitzer | das Fernwärmewerk | die Lampenlobby |
der Leitungsbetreiber ;;
die Vermieter | das Eigentümerkartell | die Wohnungskonzerne | der Immobilienadel |
die Maklerzunft | die Grundherren | der Mietverein der Reichen | die Hausbesitzer |
das Betongold | die Verpächter | der Quadratmeterclub
"""),
        "what": _listed("""
machte alles teurer | trieb Rechnungen hoch | hob die Abgaben an | steigerte Kosten |
schlug Gebühren auf | zog Tarife nach oben | leerte Geldbeutel | belastete Familien |
verdoppelte Ausgaben | griff in jede Tasche | presste Haushalte aus ;;
brach ein Versprechen | stand nie zum Wort | kippte die Zusage | vergaß den Schwur |
verriet Garantien | zerriss Verträge | blieb uns viel schuldig | ließ das Vorhaben fallen |
trat Abmachungen mit Füßen | duckte den Kopf weg | nahm Gesagtes zurück ;;
versteckte den Bericht | verschwieg Unterlagen | hielt Befunde geheim | vergrub Beweise |
kehrte Daten unter Teppiche | sperrte Akten weg | brachte Prüfer zum Schweigen |
schwärzte Papiere | verdeckte Tatsachen | frisierte Ergebnisse | löschte Protokolle
"""),
        "why": _listed("""
während Rentner frieren | und Pfleger zählen Cent | dabei schuften Arbeiter | aber Kinder hungern |
indes Bäcker verzweifeln | derweil darben Studenten | obwohl Großeltern zittern |
auf dem Rücken von Fahrern | zu Lasten der Putzkräfte | und Hebammen kündigen | Witwen leiden ;;
nicht zum ersten Mal | einmal mehr, wie immer | genau wie vor Jahren | längst Gewohnheit |
der dritte Skandal seit Mai | Geschichte wiederholt sich | das alte Muster |
leider nichts Neues | schon wieder montags | ein weiteres Kapitel | Déjà-vu
"""),
        "then": _listed("""
Rücktritt jetzt! | Räumt eure Sessel. | Wir fordern Neuwahlen. | Wählt sie ab. |
Lasst andere ran. | Schlüssel her! | Abgang überfällig. | Weist ihnen den Ausgang. |
Wechsel duldet keinen Aufschub. | Geht bitte sofort. | Ersatz wird gebraucht. ;;
Verbreitet das weit. | Sagt es euren Nachbarn. | Reicht die Botschaft herum. | Jeder soll hören. |
Leitet weiter an Freunde. | Redet beim Abendessen darüber. | Keiner bleibe still. | Macht Krach! |
Informiert euer Umfeld. | Weckt Aufmerksamkeit. | Sprecht lauter.
"""),
    },
    "ru": {
        "who": _listed("""
городской совет | избранный нами орган | собрание депутатов | вся мэрия | местная палата |
районное начальство | наши представители | нынешняя администрация | правящее большинство |
чиновники | господа наверху ;;
поставщик электричества | энергокомпания | сетевая фирма | киловаттный монополист |
владелец турбин | тепловая корпорация | газовый торговец | хозяин котельной |
энергетический гигант | ламповое лобби | сбытовая контора ;;
арендодатели | собственники жилья | квартирные магнаты | риелторский цех | домовладельцы |
бароны недвижимости | сборщики ренты | держатели бумаг | застройщики | помещики |
короли квадратных метров
"""),
        "what": _listed("""
опять удорожание | снова растут счета | поднятые платежи | лишние расходы | очередная наценка |
взлёт тарифов | пустые кошельки | новые сборы для семей | двойные траты |
рука в каждом кармане | удар по бюджету ;;
нарушенное обещание | слово на ветер | забытая клятва | брошенные обязательства |
преданные гарантии | разорванный договор | сорванный срок | отказ от сказанного |
попранное соглашение | бесстыдный обман | невыполненный план ;;
спрятанный отчёт | сокрытые документы | тайные выводы | похороненные улики | данные под ковром |
запертые папки | молчащие ревизоры | чёрные строки | утаённые факты | подправленные итоги |
стёртые протоколы
"""),
        "why": _listed("""
пока мёрзнут пенсионеры | медсёстры считают копейки | рабочие едва держатся | дети голодают |
пекари отчаялись | студенты бедствуют | дрожат бабушки | уборщицы без денег | страдают водители |
сиделки валятся с ног | плачут вдовы ;;
не впервые | ещё раз, как всегда | точь-в-точь, что пять лет назад | уже привычка |
третий скандал с весны | история повторяется | старый узор | увы, ничего свежего |
вновь в понедельник | следующая глава | дежавю
"""),
        "then": _listed("""
Пора в отставку! | Освободите кресла. | Требуем выборов. | Голосуйте против них. |
Дайте править другим. | Сдайте ключи! | Уход давно назрел. | Укажем им дверь. |
Перемены не ждут. | Уйдите сейчас же. | Нужна замена. ;;
Разошлите повсюду. | Скажите соседям. | Передайте сообщение. | Услышит каждый. |
Перешлите друзьям. | Обсудите за ужином. | Хватит тишины. | Шумите! |
Известите окружающих. | Привлеките внимание. | Говорите громче.
"""),
    },
    "es": {
        "who": _listed("""
el ayuntamiento | nuestro órgano electo | la asamblea municipal | toda la alcaldía |
la cámara local | la cúpula del distrito | los concejales | quienes nos representan |
esta administración | la mayoría gobernante | los señores del consistorio ;;
el proveedor eléctrico | la compañía de energía | la empresa de red | el monopolio del kilovatio |
el dueño de turbinas | la corporación térmica | el mercader del gas | el gigante de calderas |
la distribuidora | el grupo de presión de bombillas | la comercializadora ;;
los caseros | la patronal inmobiliaria | los magnates de la vivienda | el gremio de fincas |
los arrendadores | cuantos poseen escrituras | los cobradores de renta | los rentistas |
los barones del ladrillo | los terratenientes | el club del metro cuadrado
"""),
        "what": _listed("""
lo hizo más caro | empujó facturas arriba | elevó nuestros pagos | aumentó costes |
añadió recargos | disparó tarifas | vació bolsillos | gravó a familias | duplicó gastos |
multiplicó cuotas | exprimió cada presupuesto ;;
rompió una promesa | faltó a su palabra | olvidó el juramento | abandonó compromisos |
traicionó garantías | rasgó el contrato | incumplió plazos | se desdijo sin pudor |
pisoteó acuerdos | engañó otra vez | dejó caer proyectos ;;
ocultó el informe | calló documentos | mantuvo hallazgos en secreto | enterró pruebas |
barrió datos bajo alfombras | encerró archivos | silenció auditores | tachó papeles |
tapó hechos | maquilló resultados | borró actas
"""),
        "why": _listed("""
mientras pensionistas se hielan | y enfermeras cuentan céntimos | con obreros ahogados |
pero niños pasan hambre | aunque panaderos desesperan | entretanto estudiantes malviven |
tiritan abuelos | a costa de conductores | con limpiadoras arruinadas |
y cuidadoras agotadas | sufren viudas ;;
no es la primera ocasión | una más, como siempre | igual que cinco años atrás | ya es costumbre |
el tercer escándalo desde marzo | historia repetida | viejo patrón | nada fresco, por desgracia |
de nuevo en lunes | sigue capítulo tras capítulo | déjà vu
"""),
        "then": _listed("""
¡Dimisión! | Dejad el sillón. | Exigimos elecciones. | Votad en contra. |
Que gobiernen distintos. | ¡Entregad las llaves! | Salida pendiente. | Enseñadles la puerta. |
El cambio urge. | Marchaos ahora. | Hace falta relevo. ;;
Difundid esto. | Contádselo a vecinos. | Pasad el mensaje. | Debe oírse lejos. |
Reenviad a amigos. | Hablad en la cena. | Nadie calle. | ¡Haced ruido! |
Informad alrededor. | Llamad la atención. | Alzad la voz.
"""),
    },
}
