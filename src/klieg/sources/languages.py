"""Language names and tags as two-letter codes: ``Russian``, ``en-GB`` and ``iw`` become ``ru`` …

The room knows words for languages; it never looks at a text.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

__all__ = ["codes"]

_NAMES = {
    "albanian": "sq", "amharic": "am", "arabic": "ar", "armenian": "hy", "azerbaijani": "az",
    "basque": "eu", "belarusian": "be", "bengali": "bn", "bosnian": "bs", "bulgarian": "bg",
    "burmese": "my", "catalan": "ca", "chinese": "zh", "simplified chinese": "zh",
    "traditional chinese": "zh", "croatian": "hr", "czech": "cs", "danish": "da", "dutch": "nl",
    "english": "en", "estonian": "et", "farsi (persian)": "fa", "farsi": "fa", "finnish": "fi",
    "french": "fr", "galician": "gl", "georgian": "ka", "german": "de", "greek": "el",
    "gujarati": "gu", "hausa": "ha", "hebrew": "he", "hindi": "hi", "hungarian": "hu",
    "icelandic": "is", "indonesian": "id", "irish": "ga", "italian": "it", "japanese": "ja",
    "kannada": "kn", "kazakh": "kk", "khmer": "km", "korean": "ko", "kurdish": "ku", "lao": "lo",
    "latvian": "lv", "lithuanian": "lt", "macedonian": "mk", "malay": "ms", "malayalam": "ml",
    "marathi": "mr", "mongolian": "mn", "nepali": "ne", "norwegian": "no", "pashto": "ps",
    "persian": "fa", "polish": "pl", "portuguese": "pt", "punjabi": "pa", "romanian": "ro",
    "russian": "ru", "serbian": "sr", "sinhala": "si", "slovak": "sk", "slovenian": "sl",
    "somali": "so", "spanish": "es", "swahili": "sw", "swedish": "sv", "tagalog": "tl",
    "tagalog (filipino)": "tl", "filipino": "tl", "tamil": "ta", "telugu": "te", "thai": "th",
    "turkish": "tr", "ukrainian": "uk", "urdu": "ur", "uzbek": "uz", "vietnamese": "vi",
    "welsh": "cy", "zulu": "zu",
}  # fmt: skip
_THREE = {
    "ara": "ar", "ces": "cs", "cze": "cs", "dan": "da", "deu": "de", "ger": "de", "ell": "el",
    "eng": "en", "est": "et", "fas": "fa", "per": "fa", "fin": "fi", "fra": "fr", "fre": "fr",
    "heb": "he", "hin": "hi", "hun": "hu", "ind": "id", "ita": "it", "jpn": "ja", "kor": "ko",
    "nld": "nl", "dut": "nl", "nor": "no", "pol": "pl", "por": "pt", "ron": "ro", "rum": "ro",
    "rus": "ru", "slk": "sk", "spa": "es", "srp": "sr", "swe": "sv", "tha": "th", "tur": "tr",
    "ukr": "uk", "urd": "ur", "vie": "vi", "zho": "zh", "chi": "zh",
}  # fmt: skip
_OLD = {"iw": "he", "in": "id", "ji": "yi", "jw": "jv", "msa": "ms", "ckb": "ku"}
_NONE = {"und", "unknown", "undefined", "language undefined", "none", "qme", "qst", "qam", "qct"}
_NONE |= {"qht", "zxx", "art", "mul", "mis", ""}


def codes(column: Any) -> Any:
    """A string column as lower-case ISO 639-1 codes; undetermined languages are null."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    coded = column.dictionary_encode()
    mapped = pa.array([_code(word) for word in coded.dictionary.to_pylist()], pa.string())
    return mapped.take(coded.indices)


def _code(word: str) -> str | None:
    low = word.strip().lower()
    if low in _NONE:
        return None
    if low in _NAMES:
        return _NAMES[low]
    tag = low.replace("_", "-").split("-")[0]
    return None if tag in _NONE else _OLD.get(tag, _THREE.get(tag, tag))
