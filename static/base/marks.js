// Streamed text with its hidden characters made visible, as the server does it. The tables and the pattern
// are those of runtime/web/hidden.py, where they are explained; a test compares them.

const EMOJI =
  String.raw`\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9-\u21aa\u231a-\u231b\u2328\u23cf` +
  String.raw`\u23e9-\u23f3\u23f8-\u23fa\u24c2\u25aa-\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u260e` +
  String.raw`\u2611\u2614-\u2615\u2618\u261d\u2620\u2622-\u2623\u2626\u262a\u262e-\u262f\u2638-\u263a` +
  String.raw`\u2640\u2642\u2648-\u2653\u265f-\u2660\u2663\u2665-\u2666\u2668\u267b\u267e-\u267f` +
  String.raw`\u2692-\u2697\u2699\u269b-\u269c\u26a0-\u26a1\u26a7\u26aa-\u26ab\u26b0-\u26b1\u26bd-\u26be` +
  String.raw`\u26c4-\u26c5\u26c8\u26ce-\u26cf\u26d1\u26d3-\u26d4\u26e9-\u26ea\u26f0-\u26f5\u26f7-\u26fa` +
  String.raw`\u26fd\u2702\u2705\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2728\u2733-\u2734\u2744` +
  String.raw`\u2747\u274c\u274e\u2753-\u2755\u2757\u2763-\u2764\u2795-\u2797\u27a1\u27b0\u27bf` +
  String.raw`\u2934-\u2935\u2b05-\u2b07\u2b1b-\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\u{1f004}` +
  String.raw`\u{1f0cf}\u{1f170}-\u{1f171}\u{1f17e}-\u{1f17f}\u{1f18e}\u{1f191}-\u{1f19a}` +
  String.raw`\u{1f1e6}-\u{1f1ff}\u{1f201}-\u{1f202}\u{1f21a}\u{1f22f}\u{1f232}-\u{1f23a}` +
  String.raw`\u{1f250}-\u{1f251}\u{1f300}-\u{1f321}\u{1f324}-\u{1f393}\u{1f396}-\u{1f397}` +
  String.raw`\u{1f399}-\u{1f39b}\u{1f39e}-\u{1f3f0}\u{1f3f3}-\u{1f3f5}\u{1f3f7}-\u{1f4fd}` +
  String.raw`\u{1f4ff}-\u{1f53d}\u{1f549}-\u{1f54e}\u{1f550}-\u{1f567}\u{1f56f}-\u{1f570}` +
  String.raw`\u{1f573}-\u{1f57a}\u{1f587}\u{1f58a}-\u{1f58d}\u{1f590}\u{1f595}-\u{1f596}` +
  String.raw`\u{1f5a4}-\u{1f5a5}\u{1f5a8}\u{1f5b1}-\u{1f5b2}\u{1f5bc}\u{1f5c2}-\u{1f5c4}` +
  String.raw`\u{1f5d1}-\u{1f5d3}\u{1f5dc}-\u{1f5de}\u{1f5e1}\u{1f5e3}\u{1f5e8}\u{1f5ef}\u{1f5f3}` +
  String.raw`\u{1f5fa}-\u{1f64f}\u{1f680}-\u{1f6c5}\u{1f6cb}-\u{1f6d2}\u{1f6d5}-\u{1f6d8}` +
  String.raw`\u{1f6dc}-\u{1f6e5}\u{1f6e9}\u{1f6eb}-\u{1f6ec}\u{1f6f0}\u{1f6f3}-\u{1f6fc}` +
  String.raw`\u{1f7e0}-\u{1f7eb}\u{1f7f0}\u{1f90c}-\u{1f93a}\u{1f93c}-\u{1f945}\u{1f947}-\u{1f9ff}` +
  String.raw`\u{1fa70}-\u{1fa7c}\u{1fa80}-\u{1fa8a}\u{1fa8e}-\u{1fac6}\u{1fac8}\u{1facd}-\u{1fadc}` +
  String.raw`\u{1fadf}-\u{1faea}\u{1faef}-\u{1faf8}`;
const HIDDEN =
  String.raw`\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u034f\u061c\u070f\u115f-\u1160\u1680\u17b4-\u17b5` +
  String.raw`\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u2d7f\u3000\u3164\ud800-\uf8ff` +
  String.raw`\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufffe-\uffff\u{1107f}\u{110bd}\u{110cd}` +
  String.raw`\u{13430}-\u{1343f}\u{13441}-\u{13442}\u{16fe4}\u{1bca0}-\u{1bca3}\u{1d159}` +
  String.raw`\u{1d173}-\u{1d17a}\u{1da7f}-\u{1da80}\u{1fffe}-\u{1ffff}\u{2fffe}-\u{2ffff}` +
  String.raw`\u{3fffe}-\u{10ffff}`;
const PATTERN =
  String.raw`(?<emoji>\ufe0f(?:(?<=[#*0-9]\ufe0f)\u20e3|(?<=[EMOJI]\ufe0f)(?:\u200d(?=[EMOJI]))?)` +
  String.raw`|\u200d(?<=[EMOJI]\u200d)(?=[EMOJI]))` +
  String.raw`|(?<newline>\r\n)` +
  String.raw`|(?<one>[HIDDEN])\k<one>*`;
const EVERY = new RegExp(PATTERN.replaceAll("EMOJI", EMOJI).replaceAll("HIDDEN", HIDDEN), "gu");

function mark(one, count) {
  const span = document.createElement("span");
  span.className = "mark";
  const code = one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  span.textContent = count > 1 ? `U+${code} ×${count}` : `U+${code}`;
  return span;
}

/* A node to append: one text node when nothing is hidden, which is nearly always. `before`: what stands there
   already, since an emoji and its selector may come in two pieces. */
export function hiddenMarks(text, before = "") {
  const piece = document.createDocumentFragment();
  const whole = before + text;
  let position = before.length;
  for (const match of whole.matchAll(EVERY)) {
    const { one } = match.groups;
    if (one === undefined || match.index < position) continue;
    if (match.index > position) piece.append(whole.slice(position, match.index));
    piece.append(mark(one, match[0].length / one.length));
    position = match.index + match[0].length;
  }
  if (position < whole.length) piece.append(whole.slice(position));
  return piece;
}
