// What a person does before the page's scripts are there is kept, and done when they are. Not a module: it comes first.
{
  const types = ["click", "input", "change"];
  const kept = new Set();

  function keep(event) {
    const element = event.type === "click" ? event.target.closest('button[type="button"]') : event.target;
    if (!element) return; // links and forms do their work without scripts
    event.stopImmediatePropagation(); // or a script that comes just now does it too
    kept.add(element);
  }

  function redo(element) {
    if (element instanceof HTMLButtonElement) return element.click();
    for (const type of ["input", "change"]) element.dispatchEvent(new Event(type, { bubbles: true }));
  }

  for (const type of types) addEventListener(type, keep, true);
  addEventListener("DOMContentLoaded", () => {
    for (const type of types) removeEventListener(type, keep, true);
    kept.forEach(redo);
  });
}
