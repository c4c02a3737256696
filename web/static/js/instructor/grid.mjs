// The keyboard of a grid (ARIA authoring practices): one stop in the tab order, arrows from cell to cell.

const FOCUSABLE = "a[href], button, input";
const PAGE_ROWS = 10;

/** What takes the focus in a cell: what can be used in it, else the cell. */
function targetOf(cell) {
  return cell.querySelector(FOCUSABLE) ?? cell;
}

function rowsOf(table) {
  return [...table.rows].filter((row) => !row.hidden);
}

/** Give `table` one tab stop; `refresh()` after rows or cells were added. */
export function grid(table) {
  let current = null;

  function refresh() {
    for (const cell of table.querySelectorAll("th, td")) targetOf(cell).tabIndex = -1;
    if (!current?.isConnected || current.closest("tr").hidden) current = targetOf((rowsOf(table)[1] ?? rowsOf(table)[0]).cells[1]);
    current.tabIndex = 0;
  }

  function moveTo(target) {
    current.tabIndex = -1;
    current = target;
    current.tabIndex = 0;
    current.focus();
  }

  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("th, td");
    const rows = rowsOf(table);
    const at = rows.indexOf(cell?.parentElement);
    if (at < 0 || event.altKey || event.metaKey) return;
    const place = step(event, at, cell.cellIndex, rows.length - 1, cell.parentElement.cells.length - 1);
    if (!place) return;
    event.preventDefault();
    moveTo(targetOf(rows[place[0]].cells[place[1]]));
  });
  table.addEventListener("focusin", (event) => {
    const cell = event.target.closest("th, td");
    if (!cell || event.target === current) return;
    if (current) current.tabIndex = -1;
    current = event.target;
    current.tabIndex = 0;
  });
  refresh();
  return { refresh };
}

function step({ key, ctrlKey }, row, column, lastRow, lastColumn) {
  const clamp = (value, last) => Math.min(last, Math.max(0, value));
  switch (key) {
    case "ArrowRight": return [row, clamp(column + 1, lastColumn)];
    case "ArrowLeft": return [row, clamp(column - 1, lastColumn)];
    case "ArrowDown": return [clamp(row + 1, lastRow), column];
    case "ArrowUp": return [clamp(row - 1, lastRow), column];
    case "PageDown": return [clamp(row + PAGE_ROWS, lastRow), column];
    case "PageUp": return [clamp(row - PAGE_ROWS, lastRow), column];
    case "Home": return [ctrlKey ? 0 : row, 0];
    case "End": return [ctrlKey ? lastRow : row, lastColumn];
    default: return null;
  }
}
