const table = document.querySelector("table"), body = table.tBodies[0];
const search = document.querySelector("input[type=search]"), bad = document.querySelector("input[type=checkbox]");
function filter() {
  const words = search.value.toLowerCase().split(/\s+/);
  for (const row of body.rows) {
    const text = `${row.cells[0].dataset.key} ${row.cells[1].textContent}`.toLowerCase();
    row.hidden = !words.every(word => text.includes(word)) || (bad.checked && row.dataset.worst === "2");
  }
  for (const section of document.querySelectorAll("section"))
    section.hidden = document.getElementById(section.dataset.of).hidden;
}
search.addEventListener("input", filter);
bad.addEventListener("change", filter);
document.querySelector("form").hidden = false;
for (const [column, head] of [...table.tHead.rows[0].cells].entries()) {
  head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = row => row.cells[column].dataset.key ?? row.cells[column].textContent;
    const rows = [...body.rows].sort((a, b) => key(a).localeCompare(key(b), undefined, {numeric: true}));
    body.append(...(down ? rows.reverse() : rows));
  });
}
