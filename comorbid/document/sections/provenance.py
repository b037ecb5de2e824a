"""Where every number comes from, and how to make it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comorbid.document.blocks import Block, Paragraph, Table


def provenance(
    *, inputs: Mapping[str, str], software: Mapping[str, str], plugins: Sequence[str]
) -> tuple[Block, ...]:
    """Return the tables of inputs, plugins and software, and how to check the report."""
    return (
        Paragraph(
            "Every number in this report is computed from the tables and the definition, or stands "
            "in them; what is computed is stored in full precision in the file results.json. "
            "“comorbid verify” computes it again and compares."
        ),
        Table(
            header=("File", "SHA-256"),
            rows=tuple(sorted(inputs.items())),
            caption="Inputs",
        ),
        Table(
            header=("Software", "Version"),
            rows=tuple(sorted({**software, **dict(p.split("@", 1) for p in plugins)}.items())),
            caption="Software and plugins that the locked numbers were computed with",
        ),
    )
