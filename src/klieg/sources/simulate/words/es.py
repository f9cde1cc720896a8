"""Spanish phrases: six topics, invented places. Data only; it knows no draw and no account."""

from __future__ import annotations

OPENERS = """
Otra vez. | Mmm. | ¿En serio? | Actualización: | Vaya. | Pregunta rápida. | Acabo de leer: | Ojo: |
¡Buenos días! | Ya lo decía yo. | Una cosa: | ¡Por fin! | Ay. | Para que conste: | Suspiro. |
Recordatorio: |
Anotado. | Opinión impopular: | Bueno. | Llego tarde, pero: | Confirmo: | Desde mi ventana: |
Se oye por ahí: |
No lo sabía: | Sin broma: | ¡Hola! | Importante: | Dato curioso: | Fin de jornada. | Resumen:
"""
TIMES = """
hoy | esta mañana | esta noche | anoche | otra vez esta semana | desde el lunes | por tercera vez |
antes de comer | después del descanso | de la nada | todo el fin de semana | a su hora |
tarde, como siempre |
bajo la lluvia | sin avisar | en el último minuto | un año después | delante de todos
"""
PLACES = """
en Alcorvera | en Brezales | en Campolindo | cerca de Dosríos | en Encinar Bajo |
en la Puerta Verde |
en Fontclara | por toda Garbanza | en el parque Hornillos | junto al puente Isleta | en Jarales |
en Lomaverde | allá en Mirasoto | en Navahonda | en la estación de Olmar | en Puerto Pinto |
a las afueras de Quintar | en Riofresco | en Salinera | en Torrebruma | arriba en Umbría |
en la calle Vencejo | en Yesares | en la avenida Zarzal
"""
COMMENTS = """
¿Quién firma estas cosas? | Mi vecina lleva meses diciéndolo. | Quiero ver las cifras.
Ya ni me sorprende. | Podía haber sido peor. | Que alguien lo explique despacio, por favor.
Mis hijos se dieron cuenta antes que yo. | Merece más atención de la que recibe. |
He cambiado de opinión.
En mi trabajo lo intentamos y nada. | Mejor que el año pasado, eso sí. | Nadie lo pidió, pero vale.
Estoy leyendo la letra pequeña. | Le doy dos semanas. | Me ha alegrado el día. |
Menudo lío, de verdad.
Aún no sé qué pensar. | Me lo guardo para luego. | Adiós a mi noche tranquila. | Ojalá me equivoque.
Gracias a quienes se quedaron despiertos. | Se me enfrió el café leyéndolo. |
Los comentarios son oro puro.
Por aquí no se habla de otra cosa. | Lo creeré cuando lo vea. | Volvemos a mirar en un mes.
Cuesta menos de lo que parece. | La foto no le hace justicia. | Tengo dudas, sobre todo de dinero.
Al César lo que es del César. | Hay un reportaje largo muy bueno. | Esta película ya la he visto.
Ovación desde la última fila. | Valió la pena esperar. | Se oye a tres calles de aquí.
A mi abuela le habría encantado. | ¿Alguien más despierto? |
Tres autobuses después sigo pensando en eso.
El plan viejo era más sencillo. | Nada que una reunión no estropee. | Gana con la segunda lectura.
Preguntadme cuando haya dormido. | Tomé notas para que no tengáis que hacerlo. |
Solo tengo curiosidad.
Decidme que hay un plan B. | Así se hace, que cunda. | Salía en la última página, claro.
"""
REPLIES = """
Gracias, me sirve. | ¿Dónde lo leíste? | Justo lo que digo. | No me lo creo. | Ja, tienes razón. |
Aquí igual. | ¿Tienes alguna fuente? | ¿Eso no fue el año pasado? | Habla por ti. | De acuerdo.
Yo no lo recuerdo así. | ¡Suerte con eso! | Te falta media historia. | Bien dicho. | Pues no.
¿Puedes contar más? | Te escribo por privado. | Ese es otro caso. | Me he reído, gracias. |
¿Por qué?
No nos vamos a poner de acuerdo. | Estuve allí y bien. | Borro el mío, el tuyo es mejor. |
Pregunta en la oficina.
¿De cuándo son esos datos? | Venga, sé justo. | Cuento contigo. | En mayo decías lo contrario. |
Qué locura.
"""
TOPICS = {
    "transit": """
el ayuntamiento | el autobús nocturno | el nuevo tranvía | la circunvalación |
la app de billetes | la alcaldía |
el plan de carriles bici | la empresa del ferry | el ascensor de la estación | la zona azul |
el tren regional |
la obra del puente | el sindicato de conductores | el estudio de tráfico | la línea siete |
la calle escolar
;; sube el precio una quinta parte | se salta dos paradas | consigue otra ronda de fondos |
cancela el servicio de tarde | llega puntual por una vez | pide paciencia a los vecinos |
cierra hasta nuevo aviso |
promete accesos sin escalones | cuelga un horario ilegible | pierde los papeles |
abre un mes antes |
culpa a la contrata | duplica los viajeros | se juega el presupuesto |
contrata a cuarenta personas |
publica los datos de accidentes | espera detrás de una furgoneta | elimina el billete de papel
;; transporte huelga tarifas enbici atascos obras tranvia accesibilidad movilidad ayuntamiento""",
    "sport": """
el equipo local | nuestra portera | el equipo femenino | el nuevo entrenador | la sub-21 |
la grada visitante |
el videoarbitraje | la capitana | la liga | el relevo | el viejo estadio | ese extremo |
el rumor de fichaje | la peña | el grupo de maratón | el suplente
;; marca dos en diez minutos | gana desde el punto de penalti |
deja escapar dos goles de ventaja | entrena a puerta cerrada |
firma hasta el verano | sale cojeando antes del descanso | agota las entradas en una hora |
recibe la llamada soñada |
bate el récord del club | falla a puerta vacía | no habla con la prensa | aguanta con diez |
pone la tabla patas arriba | celebra con los utilleros | cambia dos veces el dibujo |
recurre la sanción |
parece más fino que en todo el año | juega como un equipo de bar
;; jornada derbi nochedecopa vamosequipo grada prorroga clasificacion enjuego mediaparte afuera""",
    "energy": """
el parque eólico | el operador de la red | nuestra bomba de calor | la cooperativa solar |
la terminal de gas | la ley del clima |
el precio de la luz | la fábrica de baterías | el fondo forestal | el informe de riadas |
la junta del río | la tasa de carbono |
el molino del pueblo | el cierre del carbón | la ayuda para aislar | el servicio meteorológico
;; produce más de lo previsto | marca máximos antes del invierno |
espera el permiso desde primavera |
se amortiza en seis años | divide a la comisión | acaba en el juzgado | abastece a media calle |
se retrasa un trimestre | sorprende hasta a los ingenieros | deja la factura a los inquilinos |
pierde un gran inversor |
pasa la segunda lectura | avisa de un verano seco | se muda a la costa |
necesita un cable más grueso |
ahorra una pequeña fortuna | sale en la prensa extranjera | cuenta dos veces cada kilovatio
;; clima luz eolica energiasolar calefaccion cerocarbono redelectrica riadas empleoverde
preciodelaluz""",
    "health": """
la clínica | la gripe | nuestro centro de salud | el turno de enfermería |
el estudio de la vacuna | el hospital comarcal |
la lista de espera | la farmacia de la esquina | el teléfono de ayuda | el impuesto al azúcar |
la residencia |
la ambulancia | la unidad móvil | el nivel de polen | el seguro dental | el laboratorio del sueño
;; contesta a los cuarenta minutos | se acorta por fin | busca voluntarios |
registra menos casos de lo temido |
cierra la planta infantil | reparte pruebas gratis | comparte los datos | se queda sin camas |
amplía el horario | forma a su propia gente | quiere recetas más largas |
pasa la inspección sin faltas |
lo pasa todo a internet | bate el récord del invierno | agradece el turno de noche |
pide otro ensayo |
aconseja mejor que la red | cobra la cita perdida
;; salud enfermeria gripe vacunas saludmental urgencias dormirbien cuidados alergia revision""",
    "tech": """
la actualización del navegador | el fabricante del móvil | el proyecto libre |
la planta de chips | el buscador |
la ley de privacidad | el asistente de chat | el gestor de contraseñas | el robot aspirador |
el lanzamiento del satélite |
el portátil escolar | la caída de la nube | la app de mapas | el estudio de juegos |
el taller de reparación | la antena
;; rompe la mitad de mis pestañas | viene sin cargador | pide otro registro más |
acaba bifurcado por sus usuarios |
ficha un equipo de ética | recuerda demasiado | funciona sin conexión |
se va al trimestre que viene |
quita la suscripción | filtra sus planes | supera la auditoría | se come la batería |
consigue un pedido enorme | reescribe las condiciones | arregla un fallo de hace diez años |
contesta en dos idiomas |
bloquea el rastreo | gana a los grandes en precio
;; softwarelibre privacidad tecnologia programar chips caida reparar videojuegos ia mapas""",
    "food": """
la panadería | el mercado nocturno | el café de la esquina | el comedor escolar |
la fiesta del pueblo | la cervecera |
la cosecha | el precio del aceite | la tienda del museo | el club de lectura | la noche de jazz |
el festival de cine |
la crema de calabaza | el huerto vecinal | la chef de la mesa nueve | el cine viejo
;; lo vende todo antes de las nueve | cambia otra vez la receta | estrena cartel |
gana un pequeño premio |
cumple cuarenta años | deja pagar la voluntad una semana | sabe a mi infancia |
abre hasta pasada la medianoche |
necesita un horno nuevo | cambia carne por alubias | atrae gente de tres pueblos |
esconde un piano al fondo |
sube una moneda | enseña a cocinar a los niños | merece una sala mayor |
guarda lo bueno bajo el mostrador |
acaba con fuegos artificiales | recoge abrigos para el invierno
;; comida mercadonocturno masamadre clubdelectura cine jazz cosecha tapas huerto finde""",
}
