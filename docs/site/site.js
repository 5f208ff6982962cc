// SPDX-License-Identifier: GPL-2.0-or-later
// A search in index.js: parts of pages that have all words, those with a word in their heading first.
"use strict";
const field = document.getElementById("search");
const list = document.getElementById("found");
const MOST = 30;

function score(part, words) {
	const [, , title, heading, text] = part;
	const head = (title + " " + heading).toLowerCase();
	const body = text.toLowerCase();
	let sum = 0;
	for (const word of words) {
		if (!body.includes(word) && !head.includes(word))
			return 0;
		sum += 1 + (heading.toLowerCase() === word ? 20 : 0) + (head.includes(word) ? 5 : 0);
	}
	return sum;
}

function around(text, word) {
	const at = Math.max(0, text.toLowerCase().indexOf(word) - 40);
	return (at ? "..." : "") + text.slice(at, at + 140);
}

function show() {
	const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
	const found = words.length ? pages.map(part => [score(part, words), part])
		.filter(([value]) => value).sort((a, b) => b[0] - a[0]).slice(0, MOST) : [];
	list.replaceChildren(...found.map(([, part]) => {
		const item = document.createElement("li");
		const a = document.createElement("a");
		const small = document.createElement("small");
		a.href = part[0] + ".html" + (part[1] ? "#" + part[1] : "");
		a.textContent = part[2] === part[3] ? part[2] : part[2] + ": " + part[3];
		small.textContent = around(part[4], words[0]);
		item.append(a, small);
		return item;
	}));
	if (words.length && !found.length)
		list.append(Object.assign(document.createElement("li"), { textContent: "Nothing has all of these words." }));
	list.hidden = !words.length;
}

field.addEventListener("input", show);
field.form.addEventListener("submit", event => {
	event.preventDefault();
	list.querySelector("a")?.click();
});
document.addEventListener("keydown", event => {
	if (event.key === "/" && document.activeElement !== field) {
		event.preventDefault();
		field.focus();
	}
});
show();
