"""English phrases: six topics, invented places. Data only; it knows no draw and no account."""

from __future__ import annotations

OPENERS = """
Not again. | Hm. | Honestly? | Update: | Wow. | Okay so | Just saw this: | Heads up: | Seriously? |
Good morning! | Called it. | Small thing, but: | Thread incoming. | Unpopular opinion: | Fun fact: |
Quick question. | Finally! | Oh dear. | For the record: | Sigh. | Reminder: | Plot twist: | Noted. |
Hot take: | Right then. | Late to this, but | Can confirm: | From my window: | Overheard: |
News to me:
"""
TIMES = """
today | this morning | tonight | last night | again this week | since Monday | for the third time |
before lunch | after the break | out of nowhere | all weekend | right on time | too late as usual |
in the rain | without much notice | at the last minute | a year later | in front of everyone
"""
PLACES = """
in Alderwick | in Brackenford | in Caldmoor | near Dunhollow | in Eastmere | at Fernley Cross |
in Graywater | around Hollin Bay | in Inverloch Park | by Juniper Bridge | in Kestrel Heights |
in Lowmarsh | over in Mistley Vale | in North Quarry | at Oakhurst Gate | in Penny Harbour |
outside Quillham | in Redcliffe Mills | in Saltmere | in Thornbury End | up in Umber Hill |
in Vale Street | in Westering | on Yarrow Road
"""
COMMENTS = """
Who signs off on this stuff? | My neighbour has been saying it for months. |
I want to see the numbers.
I'm not even surprised anymore. | Could have been worse, I suppose. |
Someone please explain it slowly.
My kids noticed before I did. | That deserves more attention than it gets. |
I changed my mind on this.
We tried the same thing at work, no luck. | Still better than last year. |
Nobody asked for it, but fine.
Reading the fine print now. | I give it two weeks. | This made my day, not kidding. |
What a mess, truly.
Not sure how I feel yet. | Bookmarking it for later. | There goes my quiet evening. |
Happy to be wrong.
Grateful for everyone who stayed up. | My coffee went cold over this. |
The comments are gold, by the way.
Everyone I know is talking about it. | I'll believe it when I see it. | Let's check back in a month.
It costs less than you'd think. | The photo does not do it justice. |
I have questions, mostly about money.
Kudos where kudos are due. | Somebody wrote a good long piece on it. | I've seen this film before.
Standing ovation from the back row. | Worth the wait, every minute. |
You can hear it three streets away.
My gran would have loved this. | Anyone else awake for it? |
Three buses later I'm still thinking of it.
The old plan was simpler. | Nothing a good meeting can't ruin. | It reads better the second time.
Ask me again when I've slept. | I took notes so you don't have to. |
No strong feelings, just curious.
Please tell me there's a backup plan. | That's the spirit, more of it. |
It was on the back page, of course.
"""
REPLIES = """
Thanks, that helps. | Where did you read it? | Exactly my point. | I don't buy it. |
Ha, fair enough. |
Same here, actually. | Do you have a source? | That was last year, no? | Speak for yourself. |
Agreed.
Not how I remember it. | Good luck with that! | You're missing half the story. | Well put. |
Sorry, no.
Could you say more? | Sending you a message. | That's a different case. | I laughed, thank you. |
Why?
Let's agree to disagree. | I was there, it was fine. | Deleted mine, yours is better. |
Ask the office.
How old are these figures? | Come on, be fair. | Counting on you. |
You said the opposite in May. | Wild.
"""
TOPICS = {
    "transit": """
the city council | the night bus | the new tram line | the ring road | the ticket app |
the mayor's office |
the bike lane plan | the ferry company | the station lift | the parking scheme | the rail operator |
the bridge repair | the bus drivers' union | the traffic survey | line seven |
the school street pilot
;; raises fares by a fifth | skips two stops without warning | gets another round of funding |
cancels the evening service | runs on time for once | asks residents for patience |
closes until further notice |
promises step-free access | posts a timetable nobody can read | loses the paperwork |
opens a month early |
blames the contractor | doubles its passenger numbers | faces a vote on the budget |
hires forty people |
publishes the accident figures | stands still behind a delivery van | drops the paper ticket
;; transit railstrike busfare cycling commute roadworks tramline accessnow faresfair citytalk""",
    "sport": """
the home side | our keeper | the women's team | the new coach | the under-21 squad | the away end |
the video referee | the club captain | the league office | the relay team | the old stadium |
that winger |
the transfer rumour | the fan council | the marathon crew | the substitute
;; scores twice in ten minutes | wins it from the spot | throws away a two-goal lead |
trains behind closed doors |
signs until the summer | limps off before half time | sells out in an hour |
gets the call everyone wanted |
breaks a club record | misses an open goal | refuses to talk to the press |
holds on with ten players |
turns the table upside down | celebrates with the kit staff | changes the formation twice |
appeals the ban |
looks sharper than all season | plays like a pub eleven
;; matchday derby cupnight coyr fanzone extratime leaguetalk kickoff halfway awaydays""",
    "energy": """
the wind park | the grid operator | our heat pump | the solar co-op | the gas terminal |
the climate bill |
the power price | the battery plant | the forest fund | the flood report | the river board |
the carbon levy |
the village turbine | the coal exit | the insulation grant | the weather service
;; delivers more than forecast | hits a new high before winter | waits for a permit since spring |
pays for itself in six years | splits the committee | ends up in court | covers half the street |
gets delayed by a quarter | surprises even the engineers | leaves tenants with the bill |
loses a big investor |
passes the second reading | warns of a dry summer | moves to the coast | needs a bigger cable |
saves a small fortune | makes the front page abroad | counts every kilowatt twice
;; climate energybill windpower solarnow heatpump netzero gridwatch floods greenjobs powerprice""",
    "health": """
the clinic | the flu season | our GP practice | the nurses' rota | the vaccine study |
the hospital trust |
the waiting list | the pharmacy on the corner | the mental health line | the sugar tax |
the care home |
the ambulance crew | the screening van | the pollen count | the dental plan | the sleep lab
;; answers after forty minutes | shortens the queue at last | looks for volunteers |
reports fewer cases than feared |
closes the children's ward | hands out free tests | shares the data openly | runs out of beds |
extends the opening hours | trains its own staff now | wants longer prescriptions |
gets a clean bill from inspectors |
moves everything online | breaks the winter record | thanks the night shift |
asks for another trial |
gives better advice than the internet | charges for a missed slot
;; health nhswait nurses flujab mentalhealth wardlife sleepwell careworkers pollen checkup""",
    "tech": """
the browser update | the phone maker | the open source project | the chip plant | the search box |
the privacy law | the chat assistant | the password manager | the robot vacuum |
the satellite launch |
the school laptop | the cloud outage | the map app | the game studio | the repair shop |
the radio mast
;; breaks half my tabs | ships without a charger | asks for yet another login |
gets forked by its own users |
hires an ethics team | remembers too much | works offline for once | slips to next quarter |
drops the subscription | leaks the roadmap | passes the audit | eats the battery alive |
lands a huge order | rewrites the terms of use | fixes a ten-year-old bug |
talks back in two languages |
stops the tracking by default | beats the big names on price
;; opensource privacy techtalk devlife chips outage rightorepair gamedev aitools mapnerd""",
    "food": """
the bakery | the night market | the corner cafe | the school canteen | the village festival |
the brewery |
the harvest | the olive oil price | the museum shop | the book club | the jazz night |
the film festival |
the pumpkin soup | the community garden | the chef from table nine | the old cinema
;; sells out before nine | changes the recipe again | puts up a new sign | wins a small prize |
celebrates forty years | runs a pay-what-you-can week | tastes like my childhood |
stays open past midnight |
needs a new oven | swaps meat for beans | draws a crowd from three towns |
hides a piano in the back |
raises prices by a coin | teaches kids to cook | deserves a bigger room |
keeps the good stuff under the counter |
ends with fireworks | collects coats for winter
;; foodie nightmarket sourdough bookclub filmfest jazz harvest streetfood gardenlife
weekendplans""",
}
