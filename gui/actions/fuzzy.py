"""How well a command fits what was typed. Pure."""

from gui.actions.spec import ActionSpec

WHOLE, WORD_START, INSIDE, SCATTERED = 8.0, 5.0, 3.0, 1.0
_WEIGHTS = {"text": 4.0, "menu": 2.0, "keys": 2.0, "tip": 1.0}


def fit(query: str, spec: ActionSpec) -> float:
    """How well an action fits; 0 when a word of the query is not in it.

    Every word counts where it fits best: in the text of the action, its menu, its keys, its tip.
    """
    fields = {
        "text": spec.text,
        "menu": spec.menu,
        "keys": " ".join(spec.keys),
        "tip": spec.tip,
    }
    total = 0.0
    for word in query.casefold().split():
        # Letters scattered over a whole sentence mean nothing: only in the text itself.
        best = max(
            weight * word_fit(word, fields[name], scattered=name == "text")
            for name, weight in _WEIGHTS.items()
        )
        if best == 0.0:
            return 0.0
        total += best
    return total


def word_fit(word: str, text: str, *, scattered: bool = True) -> float:
    """0 when `word` (casefolded) is not in `text`, more the closer it stands together."""
    text = text.casefold()
    if word == text:
        return WHOLE
    place = text.find(word)
    if place >= 0:
        starts = any(part.startswith(word) for part in text.split())
        return WORD_START if starts else INSIDE
    return SCATTERED * _density(word, text) if scattered else 0.0


def _density(word: str, text: str) -> float:
    """Letters in their order with gaps: how much of the stretch they take they fill."""
    place, first = -1, -1
    for letter in word:
        place = text.find(letter, place + 1)
        if place < 0:
            return 0.0
        first = place if first < 0 else first
    return len(word) / (place - first + 1)
