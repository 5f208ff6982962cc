// SPDX-License-Identifier: GPL-2.0-or-later
// What a drawing does when a browser shows it by itself: details, zoom, a filter.
"use strict";
(() => {
	const svg = document.documentElement;
	const rows = [...svg.querySelectorAll(".function")];
	const panel = svg.querySelector("#details");
	const home = svg.getAttribute("viewBox").split(" ").map(Number);
	let view = [...home];

	const look = (next) => {
		view = next;
		svg.setAttribute("viewBox", view.join(" "));
	};
	const zoom = (factor, x, y) => look([x - (x - view[0]) * factor, y - (y - view[1]) * factor,
					     view[2] * factor, view[3] * factor]);
	const make = (name, attributes, text) => {
		const element = document.createElementNS(svg.namespaceURI, name);
		for (const key in attributes)
			element.setAttribute(key, attributes[key]);
		if (text)
			element.textContent = text;
		return panel.appendChild(element);
	};
	const place = (event) => new DOMPoint(event.clientX, event.clientY)
		.matrixTransform(svg.getScreenCTM().inverse());
	const close = () => panel.replaceChildren();
	const show = (row) => {
		const lines = row.querySelector("title").textContent.split("\n");
		const box = row.getBBox();
		const width = Math.min(home[2] - 40, 16 + 7 * Math.max(...lines.map((line) => line.length)));
		close();
		make("rect", { x: 20, y: box.y + box.height, width, height: 12 + 18 * lines.length, rx: 6, class: "sheet" });
		lines.forEach((line, index) =>
			make("text", { x: 30, y: box.y + box.height + 20 + 18 * index }, line));
	};
	const filter = (wanted) => rows.forEach((row) => row.classList.toggle("dim",
		!row.querySelector("title").textContent.toLowerCase().includes(wanted.toLowerCase())));
	const keys = {
		Enter: () => document.activeElement.matches(".function") && show(document.activeElement),
		Escape: () => { close(); filter(""); look([...home]); },
		"+": () => zoom(0.8, view[0] + view[2] / 2, view[1] + view[3] / 2),
		"-": () => zoom(1.25, view[0] + view[2] / 2, view[1] + view[3] / 2),
		"/": () => filter(prompt("Show what contains:") ?? ""),
	};

	rows.forEach((row) => row.addEventListener("click", (event) => {
		event.stopPropagation();
		show(row);
	}));
	svg.addEventListener("click", close);
	svg.addEventListener("keydown", (event) => {
		if (!keys[event.key] || event.ctrlKey || event.metaKey)
			return;
		event.preventDefault();
		keys[event.key]();
	});
	svg.addEventListener("wheel", (event) => {
		if (!event.ctrlKey)
			return;
		event.preventDefault();
		const at = place(event);
		zoom(event.deltaY < 0 ? 0.9 : 1.1, at.x, at.y);
	}, { passive: false });
})();
