"""Invented names: of accounts, of outlets under .example, of stories; and emoji. Data only.

No real person and no real domain; it knows no language and no draw.
"""

from __future__ import annotations

__all__ = ["BACKS", "EMOJI", "FRONTS", "GIVEN", "NOUNS", "SLUGS"]


def _listed(block: str) -> tuple[str, ...]:
    return tuple(block.split())


GIVEN = _listed("""
mira jonas lena tariq olga pablo ines marek sofi anton greta luis katya felix nora ivan clara omar
petra diego vera hugo alma yuri selma bruno tilda ravi elsa niko
""")
NOUNS = _listed("""
fox river cloud stone maple otter comet lantern harbor pixel tulip ember saddle violet drum kite
walnut meadow signal copper paper anchor pepper willow marble rocket button quill fern
""")
FRONTS = _listed("""
daily morning evening open civic river harbor north east field metro union plain clear first
common green city coast valley hill market public free new blue grand quiet bright second
""")
BACKS = _listed("""
ledger courier herald lens post wire gazette review monitor journal notes observer times tribune
digest pages report chronicle bulletin dispatch signal letter record mail echo star
""")
SLUGS = _listed("""
vote plan night budget match storm bridge price test league study update strike season grid clinic
launch recipe festival market report winter result school court garden signal record
""")
EMOJI = _listed("""
🙂 😂 🤔 🙏 🔥 👏 😅 🎉 😬 👀 ☕ 🌧️ 🚋 ⚽ 🌱 📚 🍲 💡 ❤️ 🤷 🙃 💪 🌞 🎬
""")
