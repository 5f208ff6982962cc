// SPDX-License-Identifier: GPL-2.0-or-later
// Names come from guests and hosts: they are put in as text, never as a part of the page.
"use strict";
(() => {
	// Okabe and Ito's colours, each with a sign; the last is for no driver.
	const STYLES = [["#0072b2", "●"], ["#d55e00", "◆"], ["#009e73", "▲"], ["#cc79a7", "■"], ["#e69f00", "★"],
		["#56b4e9", "▼"], ["#8f80e0", "✚"], ["#9a7d0a", "⬟"], ["#8c959f", "○"]];
	// What would turn the text around it
	const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
	const SVG = "http://www.w3.org/2000/svg";
	const HISTORY_MS = 10000, HOST_MS = 15000, RETRY_MS = 1000, RETRY_MOST_MS = 15000, RUN_LEAST = 5;
	const place = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
	let live = null, history = null, host = null, paused = false, allChecks = false, greeted = true;
	// Without a prototype, as names may be any text
	const dictionary = (pairs) => Object.assign(Object.create(null), Object.fromEntries(pairs));

	const make = (parent, name, attributes = {}, text = "") => {
		const element = document.createElement(name);
		for (const key in attributes)
			element.setAttribute(key, attributes[key]);
		element.textContent = text;
		return parent.appendChild(element);
	};
	const write = (element, text) => {
		if (element.textContent !== text)
			element.textContent = text;
	};
	const short = (value) => {
		const units = ["", " k", " M", " G", " T"];
		let unit = 0;
		for (; value >= 1000 && unit < units.length - 1; unit++)
			value /= 1000;
		return (unit ? value.toPrecision(3) : String(Math.round(value))) + units[unit];
	};
	// Digits of what was counted, in groups
	const whole = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
	const micro = (us) => us === null || us === undefined ? "–" : us < 1000 ? `${Number(us.toPrecision(3))} µs` :
		us < 1e6 ? `${Number((us / 1000).toPrecision(3))} ms` : `${Number((us / 1e6).toPrecision(3))} s`;
	const size = (bytes) => {
		const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
		let unit = 0;
		for (; bytes >= 1024 && unit < units.length - 1; unit++)
			bytes /= 1024;
		return `${Number(bytes.toPrecision(4))} ${units[unit]}`;
	};
	const sum = (object) => Object.values(object ?? {}).reduce((all, value) => all + value, 0);
	const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString();

	// Rows are kept by their name, so that what is focused or marked stays.
	const fill = (table, columns, rows) => {
		const none = table.closest("section").querySelector(":scope > .none");
		if (!table.tHead) {
			const head = make(make(table, "thead"), "tr");
			for (const column of columns)
				make(head, "th", { scope: "col", class: column.number ? "number" : "" }, column.title);
			make(table, "tbody");
		}
		const body = table.tBodies[0], old = new Map([...body.rows].map((row) => [row.dataset.key, row]));
		rows.forEach((row, index) => {
			let line = old.get(row.key);
			if (!line) {
				line = document.createElement("tr");
				line.dataset.key = row.key;
				for (const column of columns)
					make(line, column.head ? "th" : "td", { "data-label": column.title, "data-column": column.key,
						class: [column.number ? "number" : "", column.mono ? "mono" : "", column.bar ? "bar" : ""].join(" ").trim(),
						...column.head ? { scope: "row" } : {} });
			}
			old.delete(row.key);
			columns.forEach((column, at) => {
				const cell = line.cells[at], value = row[column.key];
				write(cell, column.show ? column.show(value, row) : value === null || value === undefined ? "" : String(value));
				if (column.number)
					cell.dataset.value = value;
				if (column.mark) {
					cell.dataset.sign = row.style[1];
					cell.style.setProperty("--sign", row.style[0]);
				}
				if (column.bar)
					cell.style.setProperty("--part", Math.min(100, value));
				if (column.bad)
					cell.classList.toggle("bad", column.bad(value, row));
			});
			line.classList.toggle("torn", row.torn ?? false);
			if (row.depth !== undefined)
				line.style.setProperty("--depth", row.depth);
			if (body.rows[index] !== line)
				body.insertBefore(line, body.rows[index] ?? null);
		});
		for (const line of old.values())
			line.remove();
		table.hidden = !rows.length;
		if (none)
			none.hidden = rows.length > 0;
	};

	const byName = (list, key) => dictionary((list ?? []).map((row) => [row[key], row]));
	const joined = (...lists) => [...new Set(lists.flat())];
	const rate = (key, title) => ({ key, title, number: true, show: short });
	const count = (key, title) => ({ key, title, number: true, show: whole });
	const isUp = (state) => ["connected", "up", "running"].includes(state);

	const portColumns = [{ key: "name", title: "Port", head: true }, { key: "kind", title: "Kind" },
		{ key: "state", title: "State", bad: (state) => state.startsWith("not ") }, { key: "bridge", title: "Bridge" },
		rate("rx_bps", "Received bit/s"), rate("rx_pps", "Received packets/s"), rate("tx_bps", "Sent bit/s"), rate("tx_pps", "Sent packets/s"),
		count("rx_packets", "Packets received"), count("rx_bytes", "Bytes received"), count("tx_packets", "Packets sent"),
		count("tx_bytes", "Bytes sent"), { ...count("dropped", "Dropped"), bad: (value) => value > 0 }];
	const showPorts = () => {
		const rates = byName(live.rates?.ports, "port"), stats = byName(live.port_stats, "port");
		fill(place["ports-table"], portColumns, live.ports.map((port) => {
			const own = stats[port.name] ?? {}, now = rates[port.name] ?? {};
			return { key: port.name, name: port.name, kind: port.type, state: port.error ? `${port.state}: ${port.error}` : port.state ?? "",
				bridge: port.bridge, rx_bps: now.rx_bps ?? 0, rx_pps: now.rx_pps ?? 0, tx_bps: now.tx_bps ?? 0, tx_pps: now.tx_pps ?? 0,
				rx_packets: own.rx_packets ?? 0, rx_bytes: own.rx_bytes ?? 0, tx_packets: own.tx_packets ?? 0,
				tx_bytes: own.tx_bytes ?? 0, dropped: sum(own.drops) };
		}));
	};

	const dropColumns = [{ key: "port", title: "Port or disk", head: true }, { key: "what", title: "What" }, { key: "reason", title: "Reason" },
		rate("rate", "A second"), count("total", "In all")];
	const showDrops = () => {
		const rates = byName(live.rates?.ports, "port"), rows = [];
		const kinds = [["drops", "packets dropped"], ["refused", "messages refused"], ["broken", "rings broken"]];
		for (const owner of [...live.port_stats, ...live.disk_stats]) {
			for (const [kind, what] of kinds) {
				for (const [reason, total] of Object.entries(owner[kind] ?? {}).filter((pair) => pair[1] > 0))
					rows.push({ key: JSON.stringify([owner.port, kind, reason]), port: owner.port, what, reason, total,
						rate: kind === "drops" ? rates[owner.port]?.drops[reason] ?? 0 : 0 });
			}
		}
		rows.sort((a, b) => b.rate - a.rate || b.total - a.total);
		fill(place["drops-table"], dropColumns, rows);
	};

	const bridgeColumns = [{ key: "name", title: "Bridge", head: true }, { key: "kind", title: "Kind" }, { key: "ports", title: "Ports" },
		rate("bps", "Bit/s of its ports"), count("stations", "Stations")];
	const showBridges = () => {
		const rates = byName(live.rates?.ports, "port"), stats = byName(live.port_stats, "port");
		fill(place["bridges-table"], bridgeColumns, live.bridges.map((bridge) => ({ key: bridge.name, name: bridge.name,
			kind: bridge.error ? `${bridge.kind}: ${bridge.error}` : bridge.kind, ports: (bridge.ports ?? []).join(", "),
			bps: (bridge.ports ?? []).reduce((all, port) => all + (rates[port]?.rx_bps ?? 0), 0),
			stations: (bridge.ports ?? []).reduce((all, port) => all + (stats[port]?.stations ?? 0), 0) })));
	};

	const time = (key, title) => ({ key, title, number: true, show: micro });
	const diskColumns = [{ key: "name", title: "Disk", head: true }, { key: "backend", title: "Kind" }, { key: "size", title: "Size" },
		{ key: "state", title: "State", bad: (state) => /not |lost|fail|error/.test(state) },
		rate("iops", "Requests/s"), rate("read_bytes", "Read byte/s"), rate("write_bytes", "Written byte/s"), time("p50_us", "Half took at most"),
		time("p99_us", "99 % took at most"), rate("depth", "In flight"), count("requests", "Requests"),
		{ ...count("failed", "Failed"), bad: (value) => value > 0 }];
	const requestsOf = (stats, key) => Object.values(stats?.requests ?? {}).reduce((all, kind) => all + kind[key], 0);
	const showDisks = () => {
		const rates = byName(live.rates?.disks, "disk"), stats = byName(live.disk_stats, "port");
		fill(place["disks-table"], diskColumns, live.disks.map((disk) => {
			const now = rates[disk.name] ?? {};
			return { key: disk.name, name: disk.name, backend: disk.backend, size: disk.bytes === undefined ? "" : size(disk.bytes),
				state: disk.error ? `${disk.state}: ${disk.error}` : joined([disk.state ?? ""], [disk.status ?? ""]).join(", "),
				iops: now.iops ?? 0, read_bytes: now.read_bytes ?? 0, write_bytes: now.write_bytes ?? 0, p50_us: now.p50_us ?? null,
				p99_us: now.p99_us ?? null, depth: now.depth ?? 0, requests: requestsOf(stats[disk.name], "count"),
				failed: requestsOf(stats[disk.name], "failed") };
		}));
		place.latency.hidden = !live.disks.length;
		choose(place["latency-of"], live.disks.map((disk) => disk.name));
		showLatency();
	};

	// Names that can be chosen; what was chosen stays so.
	const choose = (select, names) => {
		if (JSON.stringify([...select.options].map((option) => option.value)) === JSON.stringify(names))
			return;
		const before = select.value;
		select.replaceChildren();
		for (const name of names)
			make(select, "option", { value: name }, name);
		if (names.includes(before))
			select.value = before;
	};

	// Times up to 1, 2, 5, 10, ... microseconds, of finer ones
	const gathered = (times) => {
		const sums = new Map();
		for (const [us, number] of times) {
			const ten = 10 ** Math.floor(Math.log10(us)), bound = [1, 2, 5, 10].map((step) => step * ten).find((step) => us <= step * 1.0001);
			const key = Number(bound.toPrecision(3));
			sums.set(key, (sums.get(key) ?? 0) + number);
		}
		return [...sums];
	};
	const showLatency = () => {
		const stats = byName(live.disk_stats, "port")[place["latency-of"].value];
		const kinds = Object.entries(stats?.requests ?? {}).filter((pair) => pair[1].count > 0);
		const old = new Map([...place["latency-tables"].children].map((table) => [table.dataset.kind, table]));
		place.latency.querySelector(".none").hidden = kinds.length > 0;
		for (const [kind, requests] of kinds) {
			const table = old.get(kind) ?? make(place["latency-tables"], "table", { "data-kind": kind });
			const times = gathered(requests.times), most = Math.max(...times.map((pair) => pair[1]));
			old.delete(kind);
			if (!table.caption)
				table.createCaption();
			write(table.caption, `${kind}: ${whole(requests.count)}, on average ${micro(requests.mean_us)}, 99.9 % within ${micro(requests.p999_us)}`);
			fillPlain(table, ["Took at most", "Requests"], times.map(([us, number]) => [micro(us), whole(number), 100 * number / most]));
		}
		for (const table of old.values())
			table.remove();
	};
	const fillPlain = (table, titles, rows) => {
		if (!table.tHead) {
			const head = make(make(table, "thead"), "tr");
			for (const title of titles)
				make(head, "th", { scope: "col" }, title);
			make(table, "tbody");
		}
		const body = table.tBodies[0];
		while (body.rows.length > rows.length)
			body.deleteRow(-1);
		rows.forEach((row, index) => {
			const line = body.rows[index] ?? make(body, "tr");
			if (!line.cells.length) {
				make(line, "th", { scope: "row" });
				make(line, "td", { class: "bar" });
			}
			write(line.cells[0], row[0]);
			write(line.cells[1], row[1]);
			line.cells[1].style.setProperty("--part", row[2]);
		});
	};

	const workerColumns = [{ key: "cpu", title: "On CPU", head: true },
		{ key: "load", title: "Load", number: true, bar: true, show: (value) => `${Math.round(value)} %`, bad: (value) => value > 90 },
		{ key: "poll", title: "Polls" }, rate("sleeps", "Sleeps a second"), time("recent", "Longest pass of late"), time("ever", "Longest pass ever")];
	const showWorkers = () => fill(place["workers-table"], workerColumns, (live.rates?.workers ?? []).map((worker) => ({
		key: String(worker.cpu), cpu: worker.cpu, load: worker.load_percent, poll: worker.poll, sleeps: worker.sleeps,
		recent: worker.longest_pass_us, ever: worker.longest_pass_ever_us })));

	// Charts
	// The next number whose half is one that is read easily
	const nice = (value) => {
		const ten = 10 ** Math.floor(Math.log10(value));
		return [1, 2, 4, 10].map((step) => step * ten).find((step) => value <= step);
	};
	const draw = (svg, name, series, points, least, show) => {
		const width = Math.max(260, svg.clientWidth), height = 176, left = 62, top = 18, bottom = 22, span = history.step * history.most;
		const now = history.time, values = points.flatMap((point) => point.values);
		const most = nice(Math.max(least, ...values));
		const x = (at) => left + (width - left - 6) * (1 - (now - at) / span);
		const y = (value) => top + (height - top - bottom) * (1 - value / most);
		const add = (kind, attributes, text = "") => {
			const element = document.createElementNS(SVG, kind);
			for (const key in attributes)
				element.setAttribute(key, attributes[key]);
			element.textContent = text;
			svg.appendChild(element);
		};
		const last = points[points.length - 1]?.values, peak = (at) => Math.max(0, ...points.map((point) => point.values[at]));
		const says = series.map((title, at) => `${title} ${last ? show(last[at]) : "nothing"}, at most ${show(peak(at))}`).join("; ");
		svg.replaceChildren();
		svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
		svg.setAttribute("role", "img");
		svg.setAttribute("aria-label", `${name}: ${says}`);
		for (const part of [0, 0.5, 1]) {
			add("line", { class: "grid", x1: left, x2: width - 6, y1: y(part * most), y2: y(part * most) });
			add("text", { x: left - 6, y: y(part * most) + 4, "text-anchor": "end" }, show(part * most));
		}
		for (const minutes of [15, 10, 5, 0])
			add("text", { x: x(now - minutes * 60), y: height - 5, "text-anchor": minutes === 15 ? "start" : minutes ? "middle" : "end" },
				minutes ? `−${minutes} min` : "now");
		series.forEach((title, at) => {
			let path = "", before = null;
			for (const point of points) {
				const gap = before === null || point.time - before > 1.6 * history.step;
				path += `${gap ? "M" : "L"}${x(point.time).toFixed(1)} ${y(point.values[at]).toFixed(1)}`;
				before = point.time;
			}
			if (path)
				add("path", { class: at ? "two" : "one", d: path });
			if (points.length === 1)
				add("path", { class: (at ? "two" : "one") + " dot", d: `${path}h0.1` });
			add("text", { class: at ? "two-name" : "one-name", x: left + at * (width - left) / 2, y: 12 }, `${at ? "┄" : "━"} ${title}`);
		});
		write(svg.parentElement.querySelector("figcaption span"), last ? "" : "no figures yet");
	};
	const showChart = (id, key, series, order, least, show) => {
		const select = place[`history-${id}`], names = joined(...history.points.map((point) => Object.keys(point[key])));
		choose(select, names);
		const points = history.points.filter((point) => Object.hasOwn(point[key], select.value)).map((point) => ({ time: point.time,
			values: order.map((at) => point[key][select.value][at]) }));
		select.closest("figure").hidden = !names.length && history.points.length > 0;
		draw(place[`chart-${id}`], `${series.length > 1 ? "" : series[0]} ${select.value}`, series, points, least, show);
	};
	const showHistory = () => {
		if (!history)
			return;
		showChart("port", "ports", ["received, bit/s", "sent, bit/s"], [0, 1], 1000, short);
		showChart("drops", "ports", ["packets dropped a second"], [4], 2, short);
		showChart("disk", "disks", ["read, byte/s", "written, byte/s"], [1, 2], 1000, short);
		showChart("worker", "workers", ["load, %"], [0], 100, (value) => `${Math.round(value)}`);
	};

	const showChecks = () => {
		const order = ["fail", "warn", "skip", "ok"], signs = { fail: "✕ not in order", warn: "! to be looked at", skip: "– not known", ok: "✓ in order" };
		const checks = [...host.checks ?? []].sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
		const wanted = checks.filter((check) => allChecks || ["fail", "warn"].includes(check.status));
		const text = JSON.stringify([wanted, host.checks_error]);
		write(place["checks-count"], host.checks_error ?? `${checks.length} checks, ${checks.filter((c) => c.status === "fail").length} failed`);
		if (place["checks-list"].dataset.shown === text)
			return;
		place["checks-list"].dataset.shown = text;
		place["checks-list"].replaceChildren();
		if (!wanted.length)
			make(place["checks-list"], "li", {}, "Nothing is to be done.");
		for (const check of wanted) {
			const item = make(place["checks-list"], "li", { class: order.includes(check.status) ? check.status : "" });
			const head = make(item, "p");
			make(head, "strong", { class: ["fail", "warn"].includes(check.status) ? "bad" : "" }, signs[check.status] ?? check.status);
			head.append(` ${check.check}${check.device ? ` of ${check.device}` : ""}`);
			make(item, "p", {}, check.found ?? "");
			if (check.remedy)
				make(item, "p", { class: "remedy" }, `→ ${check.remedy}`);
		}
	};

	// The map
	const userTitle = (user) => user.guest ? `guest ${user.guest}, ${user.holder}` : user.disk ? `disk ${user.disk} of iovd` :
		user.port ? `port ${user.port} of iovd` : user.holder;
	const roles = { "root-port": "root port", "upstream-port": "switch", "downstream-port": "switch port", "pci-bridge": "bridge to PCI" };
	const roleOf = (f) => f.role === "pf" ? `PF, ${f.vfs} of ${f.vfs_total} VFs` : f.role === "vf" ? `VF ${f.vf_index}` : roles[f.role] ?? f.role ?? "";
	const alike = (f) => JSON.stringify([f.pf, f.driver, f.users, f.joins, f.net, f.representor, f.block, f.nvme, f.numa_node, f.link_slow]);
	const runAt = (functions, index) => {
		const first = functions[index], key = first.pf && alike(first);
		let end = index + 1;
		while (key && end < functions.length && functions[end].pf && alike(functions[end]) === key)
			end++;
		return end - index < RUN_LEAST ? [first] : functions.slice(index, end);
	};
	const notesOf = (f) => [...f.net, ...f.block, ...f.users.map(userTitle), ...f.link_slow ? [`slow link: ${f.link} of ${f.link_max}`] : [],
		...f.joins.length ? ["no isolation here"] : []].join("; ");
	const mapColumns = [{ key: "device", title: "Function", head: true, mono: true }, { key: "role", title: "Is" }, { key: "name", title: "Name" },
		{ key: "driver", title: "Driver", mark: true }, { key: "group", title: "IOMMU group" }, { key: "node", title: "NUMA node" },
		{ key: "notes", title: "Used by, and notes", bad: (value, row) => row.warns }];
	const styleOf = (driver) => {
		const at = host.map.drivers.findIndex((entry) => entry.driver === driver);
		return STYLES[at < 0 ? STYLES.length - 1 : at % (STYLES.length - 1)];
	};
	const mapRows = () => {
		const functions = host.map.functions, rows = [];
		const members = new Map(host.map.groups.map((group) => [group.iommu_group, group.members.length]));
		for (let index = 0; index < functions.length;) {
			const run = runAt(functions, index), f = run[0], last = run[run.length - 1];
			rows.push({ key: f.device, device: run.length > 1 ? `VFs ${f.vf_index}–${last.vf_index}` : f.device, depth: f.depth,
				style: styleOf(f.driver), torn: members.get(f.iommu_group) > 1, role: run.length > 1 ? `${run.length} alike` : roleOf(f), name: f.name, driver: f.driver ?? "none",
				group: run.length > 1 ? `${f.iommu_group ?? "none"}–${last.iommu_group ?? "none"}` : f.iommu_group === null ? "none" : members.get(f.iommu_group) > 1 ?
					`${f.iommu_group} (of ${members.get(f.iommu_group)})` : f.iommu_group,
				node: f.numa_node, notes: notesOf(f), warns: f.link_slow || f.joins.length > 0,
				words: run.map((one) => `${one.device} ${one.identity}`).join(" ") });
			index += run.length;
		}
		return rows;
	};
	const showMap = () => {
		const wanted = place["map-filter"].value.trim().toLowerCase();
		const rows = host.map ? mapRows() : [];
		const shown = rows.filter((row) => JSON.stringify(Object.values(row)).toLowerCase().includes(wanted));
		write(place["map-count"], host.map ? `${host.map.functions.length} functions, ${host.map.groups.length} IOMMU groups, ` +
			`as of ${clock(host.time)}` : host.map_error ?? "");
		fill(place["map-table"], mapColumns, wanted ? shown.map((row) => ({ ...row, depth: 0 })) : shown);
		const notes = host.map ? [...host.map.groups.flatMap((group) => group.reasons.map((reason) => `Group ${group.iommu_group}: ${reason.text}`)),
			...host.map.incomplete] : [];
		if (place["map-notes"].dataset.shown === JSON.stringify(notes))
			return;
		place["map-notes"].dataset.shown = JSON.stringify(notes);
		place["map-notes"].replaceChildren();
		for (const note of notes)
			make(place["map-notes"], "li", {}, note);
	};

	const showTiles = () => {
		const ports = live.ports ?? [], rates = live.rates?.ports ?? [], workers = live.rates?.workers ?? [];
		const total = (key) => rates.reduce((all, port) => all + port[key], 0);
		const drops = rates.reduce((all, port) => all + sum(port.drops), 0);
		const busiest = Math.max(0, ...workers.map((worker) => worker.load_percent));
		const failed = host?.checks?.filter((check) => check.status === "fail").length;
		const tiles = [["Ports in use", `${ports.filter((port) => isUp(port.state)).length} of ${ports.length}`, false],
			["Received bit/s", short(total("rx_bps")), false], ["Sent bit/s", short(total("tx_bps")), false],
			["Dropped a second", short(drops), drops >= 1],
			["Disk requests/s", short((live.rates?.disks ?? []).reduce((all, disk) => all + disk.iops, 0)), false],
			["Busiest worker", `${Math.round(busiest)} %`, busiest > 90],
			["Checks that fail", failed === undefined ? "–" : String(failed), failed > 0]];
		tiles.forEach(([title, value, alarm], index) => {
			let tile = place.tiles.children[index];
			if (!tile) {
				tile = make(place.tiles, "div");
				make(tile, "dt", {}, title);
				make(tile, "dd");
			}
			write(tile.lastChild, alarm ? `${value} ⚠` : value);
			tile.classList.toggle("alarm", alarm);
		});
	};

	const say = (text, bad = false) => {
		write(place.status, text);
		place.status.classList.toggle("bad", bad);
	};
	const showLive = () => {
		const title = `iovkit on ${live.host}`;
		place.main.hidden = place.parts.hidden = place.pause.hidden = false;
		if (!greeted && document.activeElement === document.body)
			place.main.focus({ preventScroll: true });
		greeted = true;
		document.title = title;
		write(place.title, title);
		say(live.error ? `iovd does not answer, as of ${clock(live.time)}` : `iovd ${live.iovd.version}, as of ${clock(live.time)}`, Boolean(live.error));
		place.problem.hidden = !live.error;
		write(place.problem, live.error ?? "");
		place.pending.hidden = !live.pending;
		if (live.pending)
			write(place.pending, `A change of the host is ${"left" in live.pending ? "not confirmed: “iov confirm” keeps it" :
				"under way or was interrupted: “iov recover” says which"} (${live.pending.title}, ${live.pending.time})`);
		for (const id of ["ports", "drops", "bridges", "disks", "workers"])
			place[id].hidden = Boolean(live.error);
		if (!live.error)
			[showPorts, showDrops, showBridges, showDisks, showWorkers].forEach((show) => show());
		showTiles();
	};

	// Asking
	class Refused extends Error {}
	const ask = async (path) => {
		const token = sessionStorage.getItem("token");
		const answer = await fetch(path, { cache: "no-store", headers: token ? { Authorization: `Bearer ${token}` } : {} });
		if (answer.status === 401)
			throw new Refused();
		if (!answer.ok)
			throw new Error(await answer.text());
		return JSON.parse((await answer.text()).replace(INVISIBLE, "\ufffd"));
	};
	const login = (wrong) => {
		sessionStorage.removeItem("token");
		place.login.hidden = false;
		place.main.hidden = place.parts.hidden = place.pause.hidden = true;
		write(place.wrong, wrong ? "This is not the token." : "");
		say("A token is needed");
		place.token.value = "";
		place.token.focus();
	};
	// Again and again, more seldom where it fails
	const follow = async (path, pause, take) => {
		let failures = 0;
		for (;;) {
			let wait = pause();
			if (!paused && !document.hidden) {
				try {
					const got = await ask(path);
					failures = 0;
					if (got)
						take(got);
					else
						wait = RETRY_MS;
				} catch (error) {
					if (error instanceof Refused) {
						if (place.login.hidden)
							login(true);
						return;
					}
					wait = Math.min(RETRY_MOST_MS, pause() * 2 ** failures++);
					say(`No answer: ${error.message}`, true);
				}
			}
			await new Promise((resolve) => setTimeout(resolve, paused || document.hidden ? 300 : wait));
		}
	};
	const begin = () => {
		place.login.hidden = true;
		follow("live", () => (live?.interval ?? 2) * 1000, (got) => {
			live = got;
			showLive();
		});
		follow("history", () => HISTORY_MS, (got) => {
			history = got;
			showHistory();
		});
		// What was there is of when somebody looked last.
		follow("host", () => host && live && live.time - host.time > 20 ? RETRY_MS : HOST_MS, (got) => {
			host = got;
			if (live)
				showTiles();
			showChecks();
			showMap();
		});
	};
	const start = async () => {
		const given = /^#token=(.+)$/.exec(location.hash);
		if (given) {
			sessionStorage.setItem("token", decodeURIComponent(given[1]));
			window.history.replaceState(null, "", location.pathname);
		}
		try {
			const access = await ask("access");
			if (access.token && !sessionStorage.getItem("token"))
				login(false);
			else
				begin();
		} catch (error) {
			say(`No answer: ${error.message}`, true);
			setTimeout(start, 2 * RETRY_MS);
		}
	};

	place.login.addEventListener("submit", (event) => {
		event.preventDefault();
		place.token.blur();
		greeted = false;
		sessionStorage.setItem("token", place.token.value.trim());
		begin();
	});
	place.pause.addEventListener("click", () => {
		paused = !paused;
		place.pause.setAttribute("aria-pressed", String(paused));
		write(place.pause, paused ? "Go on" : "Pause");
	});
	place["all-checks"].addEventListener("click", () => {
		allChecks = !allChecks;
		place["all-checks"].setAttribute("aria-pressed", String(allChecks));
		if (host)
			showChecks();
	});
	place["map-filter"].addEventListener("input", () => host && showMap());
	place["latency-of"].addEventListener("change", () => live?.disk_stats && showLatency());
	for (const id of ["port", "drops", "disk", "worker"])
		place[`history-${id}`].addEventListener("change", showHistory);
	window.addEventListener("resize", showHistory);
	start();
})();
