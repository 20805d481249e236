// Streamed text with its hidden characters made visible, as text.py does it on the server.

const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3164\ue000-\uf8ff\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{10ffff}]/u;
const EVERY = new RegExp(HIDDEN.source, "gu");

/* A node to append: one text node when nothing is hidden, which is nearly always. */
export function hiddenMarks(text) {
  if (!HIDDEN.test(text)) return document.createTextNode(text);
  const piece = document.createDocumentFragment();
  let position = 0;
  for (const match of text.matchAll(EVERY)) {
    piece.append(text.slice(position, match.index));
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.textContent = `U+${match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    piece.append(mark);
    position = match.index + match[0].length;
  }
  piece.append(text.slice(position));
  return piece;
}
