// Two texts, line by line.

const LINES_MAX = 2000;

/** What leads from `before` to `after`: `[[sign, line], …]`, sign `" "` (the same), `"-"` (gone) or `"+"` (new). */
export function difference(before, after) {
  const [a, b] = [before.split("\n"), after.split("\n")];
  if (a.length > LINES_MAX || b.length > LINES_MAX) return [...a.map((line) => ["-", line]), ...b.map((line) => ["+", line])];
  const common = table(a, b);
  const told = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) told.push([" ", a[i++]]), j++;
    else if (j >= b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) told.push(["-", a[i++]]);
    else told.push(["+", b[j++]]);
  }
  return told;
}

// Length of the longest common run of lines from each pair of places to the ends.
function table(a, b) {
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  return common;
}
