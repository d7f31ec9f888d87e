"""What is wrong, or may be, with the pictures of a folder: said once, before anything is learnt from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from aaecli.text import number_of

_Groups = tuple[tuple[str, ...], ...]

_MANY_SUSPICIOUS = 0.25
"""Share of pictures that look unlike strokes from which on the others are hardly strokes either."""


@dataclass(frozen=True)
class Findings:
    """What a user should know; names are paths from the folder, and a group holds copies of one image.

    Attributes:
        unreadable: Pictures that are left out, each with the reason.
        missing: Names in labels.csv that no picture has.
        resembling: The picture that may be meant by such a name, where there is one.
        contradicting: Copies that are labelled as different classes.
        labelled: Labelled pictures with copies, labelled alike or not at all.
        unlabelled: Copies among the pictures without a label.
        tested: Test pictures that are among those to learn from as well.
        num_odd: Pictures that look unlike one drawing or character, where strokes are looked for.
        num_images: Pictures that could be read.
        validated: Pictures for validation that are among those to learn from as well.
        layout: Sentences on how the folder was understood, and on what in it was left out.
        faults: What keeps its classes from being learnt, each with a remedy.
        num_paged: Pictures whose files hold more pages or frames than the first, which alone is read.
    """

    unreadable: dict[str, str]
    missing: tuple[str, ...]
    contradicting: _Groups
    labelled: _Groups
    unlabelled: _Groups
    tested: _Groups
    num_suspicious: int
    num_images: int
    validated: _Groups = ()
    layout: tuple[str, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    num_paged: int = 0
    resembling: Mapping[str, str] = field(default_factory=dict)

    def lost(self, name: str) -> str:
        """Name a picture that only labels.csv knows of, and the one that may be meant."""
        return f"{name} (is {self.resembling[name]} meant?)" if name in self.resembling else name

    def notes(self, most: int = 5) -> Iterator[str]:
        """Give a sentence for each thing found, with at most so many names."""

        def named(names: list[str]) -> str:
            more = len(names) - most
            return ", ".join(names[:most]) + (f" and {more:,} more (`aaecli data` lists them)" if more > 0 else "")

        yield from self.layout
        if self.unreadable:
            reasons = [reason.rstrip(".") for reason in self.unreadable.values()]
            yield f"Left out, since unreadable: {number_of(len(reasons), 'picture')}. {named(reasons)}."
        if self.missing:
            lost = [self.lost(name) for name in self.missing]
            yield f"Only labels.csv knows of {number_of(len(lost), 'picture')}: {named(lost)}."
        if self.contradicting:
            groups = [" = ".join(group) for group in self.contradicting]
            yield f"The same picture is labelled as different classes, so none of the labels counts: {named(groups)}."
        if self.tested:
            groups = [" = ".join(group) for group in self.tested]
            tested = number_of(len(groups), "test picture")
            yield f"Not learnt from, since {tested} would tell nothing: {named(groups)}."
        if self.validated:
            groups = [" = ".join(group) for group in self.validated]
            yield f"Not learnt from, since copies are for validation: {named(groups)}."
        if self.labelled or self.unlabelled:
            among = f"{len(self.labelled):,} of them labelled"
            num_groups = len(self.labelled) + len(self.unlabelled)
            yield (
                f"{number_of(num_groups, 'picture')} occur{'s' if num_groups == 1 else ''} more than once, {among}. "
                "All copies are learnt from, or none."
            )
        if self.num_paged:
            yield f"Only the first page or frame is read of {number_of(self.num_paged, 'file')} that hold several."
        if self.num_suspicious > _MANY_SUSPICIOUS * self.num_images:
            share = self.num_suspicious / self.num_images
            yield (
                f"{share:.0%} of the pictures look unlike a single drawing or character. "
                "If they are none, --no-normalise leaves them as they are."
            )
