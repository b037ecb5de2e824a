"""A document in the two forms that people read: an HTML page and a PDF."""

from comorbid.report.render.html import render_html
from comorbid.report.render.pdf import platform_facts, render_pdf

__all__ = ["platform_facts", "render_html", "render_pdf"]
