"""What an audit finds, as values: findings, how each could be repaired, and what that would do."""

from __future__ import annotations

import html
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

_FIELDS = ("code", "severity", "rows", "expected", "found", "remedy")
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Repair:
    """A way to repair rows of a table, so that its effect on the pool can be computed.

    Whether it is right only the paper says; nothing is changed by it.

    Parameters
    ----------
    text : str
        What is done, worded to follow "repaired": ``"with the counts of ghandour2004-1"``.
    counts : tuple of str
        Estimate ids of the rows whose 2x2 counts are used in place of their printed estimates.
    exclude : tuple of str
        Those of the rows that are left out.
    inverse : tuple of str
        Those of the rows whose direction is reversed: the effect with the opposite sign on the
        scale of the analysis.
    values : mapping of str to mapping of str to float
        Estimate id to column to the number that stands in place of the table's; nan empties a
        cell.
    """

    text: str
    counts: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    inverse: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pooled:
    """A pooled value: estimate and interval on the printed scale, tau2 on that of the analysis."""

    estimate: float
    ci_low: float
    ci_high: float
    tau2: float
    k: int

    def __str__(self) -> str:
        low, high = _short(self.ci_low), _short(self.ci_high)
        return f"{_short(self.estimate)} ({low} to {high})"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a repair does to the pool.

    Attributes
    ----------
    repair : str
        What is done, as `Repair` words it.
    measure, scale : str
        What is pooled, and the name of its scale.
    in_force : bool
        Whether the pool as decided is the one after.
    before, after : Pooled
        The pool by its own settings without and with the repair.
    common_before, common_after : Pooled
        The same under the common-effect model; tau2 is 0.
    """

    repair: str
    measure: str
    scale: str
    in_force: bool
    before: Pooled
    after: Pooled
    common_before: Pooled
    common_after: Pooled

    def summary(self) -> str:
        """Return what moves from where to where, as a sentence."""
        if self.after.k == 0:
            return f"Repaired {self.repair}, nothing is left to pool."
        text = f"Repaired {self.repair}, the pooled {self.measure} is {self.after} in place of"
        text += f" {self.before}"
        if self.after.k > 1:
            text += f", tau2 {self.after.tau2:.3g} in place of {self.before.tau2:.3g}"
            text += f"; of a common effect {self.common_after} in place of {self.common_before}"
        return f"{text}."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the audit found.

    Parameters
    ----------
    code : str
        What kind of finding, kebab-case.
    severity : {"error", "warning", "note"}
        An error cannot be true; a warning is inconsistent or missing; a note must be known.
    rows : tuple of str
        The estimate ids it is about; empty where it is about the table.
    expected, found, remedy : str
        Sentences: what should be so, what is so, and what to do.
    repairs : tuple of Repair
        Ways to repair it that a program can try: none, one, or several among which only the paper
        can choose.
    effects : tuple of Effect
        What they do to the pool, as far as they touch it.
    """

    code: str
    severity: Severity
    rows: tuple[str, ...]
    expected: str
    found: str
    remedy: str
    repairs: tuple[Repair, ...] = ()
    effects: tuple[Effect, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name; of the repairs, what they do to the pool."""
        return {
            **{name: getattr(self, name) for name in _FIELDS},
            "rows": list(self.rows),
            "effects": [asdict(effect) for effect in self.effects],
        }

    def summary(self) -> str:
        """Return the finding as one paragraph."""
        return self._paragraph(self.effects)

    def _paragraph(self, effects: Iterable[Effect]) -> str:
        about = f" ({', '.join(self.rows)})" if self.rows else ""
        said = (self.found, self.expected, *map(Effect.summary, effects), self.remedy)
        return "\n".join([f"{self.severity}: {self.code}{about}", *map(_indented, said)])


@dataclass(frozen=True, slots=True, repr=False)
class Audit:
    """Everything that the audit found, the most serious first.

    Attributes
    ----------
    findings : tuple of Finding
    not_pooled : str
        Why there is no pool that a repair could have an effect on; empty where there is one.
    """

    findings: tuple[Finding, ...]
    not_pooled: str = ""

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding as text: ``rows`` by commas, ``effect`` of its repairs."""
        import pandas as pd

        records = [
            {name: getattr(f, name) for name in _FIELDS}
            | {"rows": ", ".join(f.rows), "effect": " ".join(map(Effect.summary, f.effects))}
            for f in self.findings
        ]
        return pd.DataFrame(records, columns=[*_FIELDS[:-1], "effect", _FIELDS[-1]], dtype=str)

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as plain values, and how many there are of each severity."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "counts": dict(Counter(finding.severity for finding in self.findings)),
            "not_pooled": self.not_pooled,
        }

    def summary(self) -> str:
        """Return the findings as text; what a repair does is said at its first mention."""
        lines, said = [self._head()], set[Effect]()
        for finding in self.findings:
            lines.append(finding._paragraph(e for e in finding.effects if e not in said))
            said.update(finding.effects)
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._head())}</p>" + str(self.to_frame().to_html(index=False))

    def _head(self) -> str:
        counts = Counter(finding.severity for finding in self.findings)
        said = ", ".join(
            f"{counts[severity]} {severity}{'s' if counts[severity] > 1 else ''}"
            for severity in SEVERITIES
            if counts[severity]
        )
        said = said or "nothing found"
        if self.not_pooled:
            said += f"; not pooled: {self.not_pooled}"
            said += "; weights, outliers and directions not looked at, no repair tried"
        return said


def _short(number: float) -> str:
    return f"{number:.2f}" if 0.0995 <= abs(number) < 99.5 else f"{number:.3g}"


def _indented(sentence: str) -> str:
    return textwrap.fill(
        sentence, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
    )


def sorted_findings(findings: Iterable[Finding], *, not_pooled: str = "") -> Audit:
    """Return an audit with the most serious findings first, otherwise in the order given."""
    ordered = sorted(findings, key=lambda found: SEVERITIES.index(found.severity))
    return Audit(tuple(ordered), not_pooled)
