// The heads of tables with three rows or more become buttons that sort them. Without this script
// the tables stand as they are. Sorting goes up, down, and back to the order of the report.
"use strict";

const NUMBER = /^(?:over|under|p)?\s*[<>≤≥=]?\s*([+\-−]?[\d,]*\.?\d+(?:e[+\-−]?\d+)?)/i;
const words = new Intl.Collator(document.documentElement.lang, { numeric: true });

// The first number of a cell, so that an interval sorts by its estimate or its lower end.
function number(text) {
  const found = NUMBER.exec(text);
  return found ? Number(found[1].replaceAll(",", "").replaceAll("−", "-")) : NaN;
}

function text(row, column) {
  return row.cells[column].textContent.trim();
}

// Sort by number where most cells begin with one. Cells without come last in both directions.
function sorted(rows, column, direction) {
  const sign = direction === "descending" ? -1 : 1;
  const numbers = rows.map((row) => number(text(row, column)));
  const numeric = 2 * numbers.filter((n) => !Number.isNaN(n)).length > rows.length;
  const missing = (i) => (numeric ? Number.isNaN(numbers[i]) : !/[\p{L}\d]/u.test(text(rows[i], column)));
  const order = [...rows.keys()].sort((a, b) => {
    if (missing(a) || missing(b)) return missing(a) - missing(b) || a - b;
    const difference = numeric
      ? numbers[a] - numbers[b]
      : words.compare(text(rows[a], column), text(rows[b], column));
    return sign * difference || a - b;
  });
  return order.map((i) => rows[i]);
}

function makeSortable(table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  if (rows.length < 3) return;
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const next = { ascending: "descending", descending: null }[now];
      const direction = next === undefined ? "ascending" : next;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (direction) head.setAttribute("aria-sort", direction);
      body.append(...(direction ? sorted(rows, column, direction) : rows));
    });
  });
}

document.querySelectorAll("table").forEach(makeSortable);
