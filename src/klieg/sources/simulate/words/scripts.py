"""What people and apps say on occasions: lines with gaps, by language and occasion. Data only.

Gaps are named in braces. Nothing here is quoted from anybody; every place and product is invented.
"""

from __future__ import annotations

__all__ = ["SCRIPTS"]

SCRIPTS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "petition": (
            "I have signed to keep the baths {place} open. Please add your name as well:",
            "I have signed for a night bus {place}. Please add your name as well:",
            "I have signed against felling the old limes {place}. Will you sign too?",
            "I have signed for a second midwife {place}. Will you sign too?",
            "I have signed to save the reading room {place}. Every name counts:",
            "I have signed for a zebra crossing {place}. Every name counts:",
        ),
        "giveaway": (
            "GIVEAWAY! We draw {n} winners of our new {thing}. Repost and reply by Sunday.",
            "Win one of {n} {thing}s: follow, repost this, tell us whom you would share it with.",
            "It is our birthday, so {n} of you get a {thing}. Repost to take part, draw on Friday!",
        ),
        "thing": ("kettle", "hiking pack", "desk lamp", "headset", "coffee mill", "bike light"),
        "entered": ("Done, fingers crossed!", "Done! Thank you for the chance", "In it to win it"),
        "protest": (
            "Thousands {place} already, bring water and friends",
            "We are standing {place}, calm and loud, come and join us",
            "The march arrives {place} now, please keep the tram tracks free",
            "So many families here {place}, I am moved",
        ),
        "chant": (
            "We come from the river, we stand in the rain, {team} {team} one more time "
            "again! {who} {m}'",
            "Red sky over the harbour, sing it till the end, {team} {team} forever! {who} {m}'",
        ),
        "claim": (
            "No, the {thing} was not recalled: the letter going round is a forgery. Our check:",
            "This photo was not taken {place}: it is years old and from elsewhere. Our check:",
            "False: nobody closed the clinic {place}. It moved one street further. Our check:",
            "The words about the people {place} were never said, there is a full "
            "recording. Our check:",
        ),
        "appeal": (
            "SOS {place}, house {n}: two adults and a child on the second floor, water "
            "rising, boat needed",
            "SOS {place} {n}, grandmother with insulin, no power since last night, please "
            "pass this on",
            "SOS {place}, behind the station, {n} people on the roof of the school, no "
            "battery left, copy and share",
            "SOS {place}, road {n}, pregnant woman, the bridge is gone, needs a doctor, "
            "please copy and share",
        ),
        "verse": (
            "May the morning find you grateful and the evening find you at rest. Reading {n}",
            "Give quietly, forgive early, keep your word when nobody asks. Reading {n}",
            "Whoever lights a lamp for a neighbour walks in the light as well. Reading {n}",
            "Patience is half of the harvest and kindness is the other half. Reading {n}",
        ),
        "game": ("I have collected {n},{m} gems in GemQuest! Can you beat my village?",),
        "branch": (
            "Warm homes, fair rents: our plan for {year} is out. Talk to us at the stall {place}",
            "A bus every twenty minutes is no luxury. That is what we stand for {place}",
            "Schools need roofs that hold. We voted for the repair fund. Your team {place}",
            "Our meadows belong to everyone: no fence around the common. Your team {place}",
        ),
        "weather": ("{place} {h}:00 · {n} °C · wind {m} km/h · pressure steady",),
        "quake": (
            "Earthquake M{n}.{m}, {d} km off the coast {place}, {h}:{s} UTC, automatic report",
        ),
        "moved": ("Hello everyone, I have moved here from the old place. Say hi! This is how:",),
        "collective": ("a statement of the Open Meadow Collective",),
    },
    "de": {
        "petition": (
            "Ich habe unterschrieben, damit das Bad {place} offen bleibt. Bitte macht auch mit:",
            "Ich habe für einen Nachtbus {place} unterschrieben. Bitte macht auch mit:",
            "Ich habe gegen das Fällen der alten Linden {place} unterschrieben. Seid ihr dabei?",
            "Ich habe für eine zweite Hebamme {place} unterschrieben. Seid ihr dabei?",
            "Ich habe für den Lesesaal {place} unterschrieben. Jeder Name zählt:",
            "Ich habe für einen Zebrastreifen {place} unterschrieben. Jeder Name zählt:",
        ),
        "giveaway": (
            "GEWINNSPIEL! Wir verlosen {n} mal unser neues Produkt: {thing}. Teilen und antworten!",
            "Gewinne eins von {n}: {thing}. Folgen, teilen und sagen, mit wem du es nutzen willst.",
            "Wir haben Geburtstag, {n} von euch bekommen: {thing}. Bis Freitag teilen!",
        ),
        "thing": ("Wasserkocher", "Wanderrucksack", "Leselampe", "Kopfhörer", "Kaffeemühle"),
        "entered": (
            "Erledigt, Daumen sind gedrückt!",
            "Bin dabei, danke für die Chance",
            "Versuch macht klug",
        ),
        "protest": (
            "Schon Tausende auf der Brücke {place}, bringt Wasser und Freunde mit",
            "Wir stehen an der Ecke {place}, ruhig und laut, kommt dazu",
            "Der Zug biegt jetzt ab {place}, bitte die Gleise frei halten",
            "So viele Familien hier {place}, das rührt mich",
        ),
        "chant": (
            "Wir kommen vom Ufer, wir stehen im Regen, {team} {team} auf allen Wegen! {who} {m}'",
            "Rot ist der Himmel, laut ist der Chor, {team} {team} ein Leben lang! {who} {m}'",
        ),
        "claim": (
            "Nein, {thing} wurde nicht zurückgerufen: Der Brief ist gefälscht. Unsere Prüfung:",
            "Dieses Foto zeigt nicht, was behauptet wird {place}: Es ist Jahre alt. Unsere "
            "Prüfung:",
            "Falsch: Niemand hat die Klinik {place} geschlossen, sie ist umgezogen. Unsere "
            "Prüfung:",
            "Der Satz über die Leute {place} ist nie gefallen, es gibt eine Aufnahme. "
            "Unsere Prüfung:",
        ),
        "appeal": (
            "SOS {place}, Haus {n}: zwei Erwachsene und ein Kind im zweiten Stock, Wasser "
            "steigt, Boot nötig",
            "SOS {place} {n}, Großmutter braucht Insulin, kein Strom seit gestern, bitte "
            "weitergeben",
            "SOS hinter dem Bahnhof {place}, {n} Leute auf dem Dach der Schule, Akku leer, "
            "bitte kopieren",
            "SOS Straße {n} {place}, Schwangere, Brücke weg, braucht Arzt, bitte kopieren "
            "und teilen",
        ),
        "verse": (
            "Möge der Morgen dich dankbar finden und der Abend in Ruhe. Lesung {n}",
            "Gib leise, verzeih früh, halte dein Wort, wenn keiner fragt. Lesung {n}",
            "Wer dem Nachbarn ein Licht anzündet, geht selbst im Hellen. Lesung {n}",
            "Geduld ist die halbe Ernte, Güte ist die andere Hälfte. Lesung {n}",
        ),
        "game": ("Ich habe {n}.{m} Edelsteine in GemQuest gesammelt! Schlägst du mein Dorf?",),
        "branch": (
            "Warme Wohnungen, faire Mieten: Unser Plan für {year} ist da. Kommt zum Stand {place}",
            "Ein Bus alle zwanzig Minuten ist kein Luxus. Dafür stehen wir {place}",
            "Schulen brauchen dichte Dächer. Wir haben für den Fonds gestimmt. Euer Team {place}",
            "Unsere Wiesen gehören allen: kein Zaun um die Allmende. Euer Team {place}",
        ),
        "weather": ("{place} {h}:00 · {n} °C · Wind {m} km/h · Luftdruck gleichbleibend",),
        "quake": (
            "Erdbeben M{n}.{m}, {d} km vor der Küste {place}, {h}:{s} UTC, automatische Meldung",
        ),
        "moved": (
            "Hallo zusammen, ich bin vom alten Ort hierher umgezogen. Sagt Hallo! So geht es:",
        ),
        "collective": ("eine Erklärung des Kollektivs Offene Wiese",),
    },
    "ru": {
        "petition": (
            "Я подписал за то, чтобы бассейн {place} не закрыли. Добавьте и своё имя:",
            "Я подписал за ночной автобус {place}. Добавьте и своё имя:",
            "Я подписал против вырубки старых лип {place}. Подпишете тоже?",
            "Я подписал за вторую акушерку {place}. Подпишете тоже?",
            "Я подписал за читальный зал {place}. Важен каждый голос:",
            "Я подписал за пешеходный переход {place}. Важен каждый голос:",
        ),
        "giveaway": (
            "РОЗЫГРЫШ! Дарим {n} призов, новый {thing}. Репост и ответ до воскресенья.",
            "Выиграй один из {n} призов, это {thing}: подпишись, сделай репост и напиши, с "
            "кем поделишься.",
            "У нас день рождения, {n} человек получат {thing}. Репост до пятницы!",
        ),
        "thing": ("чайник", "рюкзак", "светильник", "наушник", "самокат"),
        "entered": ("Готово, держу кулачки!", "Участвую, спасибо за шанс", "Вдруг повезёт"),
        "protest": (
            "Тысячи людей уже на мосту {place}, берите воду и друзей",
            "Мы стоим на углу {place}, спокойно и громко, приходите",
            "Колонна сворачивает {place}, не занимайте пути трамвая",
            "Сколько семей здесь {place}, очень трогательно",
        ),
        "chant": (
            "Мы пришли от реки, мы стоим под дождём, {team} {team} песню поём! {who} {m}'",
            "Красное небо, громкий наш хор, {team} {team} навсегда! {who} {m}'",
        ),
        "claim": (
            "Нет, {thing} не отзывали: письмо, которое пересылают, подделка. Наша проверка:",
            "На фото не то, что говорят {place}: оно снято давно и не там. Наша проверка:",
            "Неправда: клинику {place} никто не закрывал, она переехала. Наша проверка:",
            "Этих слов о людях {place} никто не говорил, есть полная запись. Наша проверка:",
        ),
        "appeal": (
            "SOS {place}, дом {n}: двое взрослых и ребёнок на втором этаже, вода "
            "прибывает, нужна лодка",
            "SOS {place} {n}, бабушке нужен инсулин, света нет со вчера, передайте дальше",
            "SOS за вокзалом {place}, {n} человек на крыше школы, телефон садится, скопируйте",
            "SOS улица {n} {place}, беременная, моста нет, нужен врач, скопируйте и передайте",
        ),
        "verse": (
            "Пусть утро застанет тебя благодарным, а вечер спокойным. Чтение {n}",
            "Давай тихо, прощай рано, держи слово, когда никто не просит. Чтение {n}",
            "Кто зажёг свет соседу, тот и сам идёт при свете. Чтение {n}",
            "Терпение есть половина урожая, доброта другая половина. Чтение {n}",
        ),
        "game": ("Я собрал {n} {m} камней в GemQuest! Обгонишь мою деревню?",),
        "branch": (
            "Тёплые дома и честная аренда: наш план на {year} готов. Ждём вас {place}",
            "Автобус каждые двадцать минут не роскошь. За это мы стоим {place}",
            "Школам нужны целые крыши. Мы голосовали за фонд ремонта. Ваша команда {place}",
            "Луга принадлежат всем: никаких заборов. Ваша команда {place}",
        ),
        "weather": ("{place} {h}:00 · {n} °C · ветер {m} км/ч · давление без перемен",),
        "quake": ("Землетрясение M{n}.{m}, {d} км от берега {place}, {h}:{s} UTC, автоматически",),
        "moved": (
            "Всем привет, я переехал сюда со старого места. Отзовитесь! Вот как это сделать:",
        ),
        "collective": ("заявление коллектива Открытый луг",),
    },
    "es": {
        "petition": (
            "He firmado para que la piscina no cierre {place}. Firma tú también:",
            "He firmado por un autobús nocturno {place}. Firma tú también:",
            "He firmado contra la tala de los tilos viejos {place}. ¿Firmas conmigo?",
            "He firmado por una segunda matrona {place}. ¿Firmas conmigo?",
            "He firmado por la sala de lectura {place}. Cada nombre cuenta:",
            "He firmado por un paso de cebra {place}. Cada nombre cuenta:",
        ),
        "giveaway": (
            "¡SORTEO! Regalamos {n} premios, nuestro nuevo producto: {thing}. Comparte y responde.",
            "Gana uno de {n}: {thing}. Síguenos, comparte y dinos con quién lo disfrutarías.",
            "Es nuestro cumpleaños y {n} de vosotros recibirán: {thing}. ¡Comparte hasta "
            "el viernes!",
        ),
        "thing": ("hervidor", "mochila", "lámpara", "auriculares", "molinillo"),
        "entered": (
            "¡Hecho, dedos cruzados!",
            "Participo, gracias por la ocasión",
            "A ver si toca",
        ),
        "protest": (
            "Ya somos miles en el puente {place}, traed agua y amigos",
            "Estamos en la esquina {place}, en calma y con fuerza, venid",
            "La marcha gira ahora {place}, dejad libre el tranvía",
            "Cuántas familias aquí {place}, qué emoción",
        ),
        "chant": (
            "Venimos del río, cantamos con sol, {team} {team} otro gol! {who} {m}'",
            "Rojo es el cielo, fuerte la voz, {team} {team} toda la vida! {who} {m}'",
        ),
        "claim": (
            "No, no han retirado el producto ({thing}): la carta que circula es falsa. "
            "Nuestra revisión:",
            "Esta foto no muestra lo que dicen {place}: es de hace años. Nuestra revisión:",
            "Falso: nadie cerró la clínica {place}, se mudó de calle. Nuestra revisión:",
            "Nadie dijo esa frase sobre la gente {place}, hay grabación entera. Nuestra revisión:",
        ),
        "appeal": (
            "SOS {place}, casa {n}: dos adultos y un niño en el segundo piso, sube el "
            "agua, hace falta barca",
            "SOS {place} {n}, abuela con insulina, sin luz desde anoche, pasadlo por favor",
            "SOS detrás de la estación {place}, {n} personas en el tejado del colegio, "
            "copiad y pegad",
            "SOS carretera {n} {place}, embarazada, el puente cayó, necesita médico, "
            "copiad y compartid",
        ),
        "verse": (
            "Que la mañana te encuentre agradecido y la noche en calma. Lectura {n}",
            "Da en silencio, perdona pronto, cumple tu palabra aunque nadie mire. Lectura {n}",
            "Quien enciende una luz al vecino camina también en ella. Lectura {n}",
            "La paciencia es media cosecha y la bondad la otra media. Lectura {n}",
        ),
        "game": ("¡He reunido {n}.{m} gemas en GemQuest! ¿Superas mi aldea?",),
        "branch": (
            "Casas cálidas, alquiler justo: nuestro plan para {year} ya está. Te esperamos {place}",
            "Un autobús cada veinte minutos no es un lujo. Eso defendemos {place}",
            "Las escuelas piden tejados firmes. Votamos por el fondo. Tu equipo {place}",
            "Los prados son de todos: sin vallas en lo común. Tu equipo {place}",
        ),
        "weather": ("{place} {h}:00 · {n} °C · viento {m} km/h · presión estable",),
        "quake": (
            "Terremoto M{n}.{m}, a {d} km de la costa {place}, {h}:{s} UTC, aviso automático",
        ),
        "moved": ("Hola a todos, me he mudado aquí desde el sitio viejo. ¡Saludad! Así se hace:",),
        "collective": ("una declaración del colectivo Prado Abierto",),
    },
}
