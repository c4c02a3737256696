"""How large what one presses is: at least 24 × 24 CSS pixels (WCAG 2.2, success criterion 2.5.8)."""

from playwright.sync_api import Page

LEAST_PX = 24
# A box that is drawn smaller than this is not seen, however large the label that belongs to it.
BOX_LEAST_PX = 14
CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=tab], [role=button]"
SMALL = """([controls, least, box]) => {
  const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest("[inert], .cm-editor, .xterm") && !one.disabled;
  // A link in a sentence is as high as its line.
  const inSentence = (one) => one.tagName === "A" && getComputedStyle(one).display === "inline"
    && one.parentElement.textContent.trim() !== one.textContent.trim() && /^(P|SMALL|DD|SPAN)$/.test(one.parentElement.tagName);
  const small = [];
  for (const one of document.querySelectorAll(controls)) {
    const own = one.getBoundingClientRect();
    if (!seen(one) || inSentence(one) || own.right <= 0) continue;
    const label = one.labels?.[0]?.getBoundingClientRect();
    const choice = ["checkbox", "radio"].includes(one.type);
    const width = Math.max(own.width, choice && label ? label.width : 0), height = Math.max(own.height, choice && label ? label.height : 0);
    const tooSmall = width < least - 0.01 || height < least - 0.01 || (choice && Math.min(own.width, own.height) < box);
    if (tooSmall) small.push(`${one.tagName.toLowerCase()} ${one.id || one.className || one.name || ""} “${(one.textContent || one.ariaLabel || "").trim().slice(0, 30)}” ${own.width.toFixed(1)} × ${own.height.toFixed(1)}`);
  }
  return small;
}"""


def small_targets(page: Page) -> list[str]:
    """Those of the page's controls that can be seen and are too small to be pressed."""
    found: list[str] = page.evaluate(SMALL, [CONTROLS, LEAST_PX, BOX_LEAST_PX])
    return found
