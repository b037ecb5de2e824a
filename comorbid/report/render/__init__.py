"""A document in the forms that people read: an HTML page, a PDF and Markdown."""

from comorbid.report.render.html import render_html
from comorbid.report.render.markdown import render_markdown
from comorbid.report.render.pdf import platform_facts, render_pdf

__all__ = ["platform_facts", "render_html", "render_markdown", "render_pdf"]
