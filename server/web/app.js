// The page's script. What comes from files and certificates is written with
// textContent alone, never as HTML. Nothing is stored.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const lang = document.documentElement.lang;
  const texts = {};
  for (const s of $("texts").content.querySelectorAll("[data-name]")) texts[s.dataset.name] = s.textContent;
  const t = (name) => texts["js-" + name];
  const form = $("form"), drop = $("drop"), inputs = { document: $("document"), signature: $("signature") };
  const most = Number(form.dataset.max);
  let request = null, urls = [];
  document.documentElement.classList.add("scripted");

  // el makes an element; every child that is no node becomes text.
  function el(tag, attributes, ...children) {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
    for (const c of children) if (c !== null && c !== undefined && c !== "") e.append(c);
    return e;
  }

  // visible replaces characters that would turn or hide text: controls, marks
  // of direction, zero width.
  function visible(s) {
    return String(s).replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "\ufffd");
  }

  function size(n) {
    if (n < 1024) return n + " " + t("bytes");
    const units = ["kib", "mib", "gib"];
    let v = n / 1024, u = 0;
    while (v >= 1024 && u < 2) { v /= 1024; u++; }
    return v.toLocaleString(lang, { maximumFractionDigits: 1 }) + " " + t(units[u]);
  }

  function moment(s) {
    if (!s) return "";
    const d = new Date(s);
    return isNaN(d) ? s : d.toLocaleString(lang === "ru" ? "ru-RU" : "en-GB", { dateStyle: "long", timeStyle: "long" });
  }

  function day(s) {
    const d = new Date(s);
    return isNaN(d) ? s : d.toLocaleDateString(lang === "ru" ? "ru-RU" : "en-GB", { dateStyle: "long" });
  }

  // --- choosing files ---

  function show() {
    for (const [name, input] of Object.entries(inputs)) {
      const f = input.files[0];
      $(name + "-name").textContent = f ? visible(f.name) + " · " + size(f.size) : t("none");
    }
    $("swap").hidden = !(inputs.document.files[0] || inputs.signature.files[0]);
  }

  function put(input, file) {
    const list = new DataTransfer();
    if (file) list.items.add(file);
    input.files = list.files;
  }

  // looksLikeSignature sees the object identifier of SignedData near the
  // beginning, bare, in PEM or in Base64.
  async function looksLikeSignature(file) {
    const b = new Uint8Array(await file.slice(0, 256).arrayBuffer());
    const oid = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    const has = (a) => a.some((_, i) => i < 32 && oid.every((x, k) => a[i + k] === x));
    if (b[0] === 0x30 && has(Array.from(b))) return true;
    const text = String.fromCharCode(...b).replace(/^-----BEGIN [A-Z0-9 ]+-----/, "").replace(/\s+/g, "");
    const run = (text.match(/^[A-Za-z0-9+/]{24,}/) || [""])[0].slice(0, 64);
    try {
      const bytes = atob(run.slice(0, run.length - run.length % 4));
      return bytes.charCodeAt(0) === 0x30 && has(Array.from(bytes, (c) => c.charCodeAt(0)));
    } catch { return false; }
  }

  async function take(files) {
    if (files.length > 2) return fail(t("toomany"));
    fail("");
    if (files.length === 1) {
      // One file at a time fills the place that fits it.
      put(await looksLikeSignature(files[0]) ? inputs.signature : inputs.document, files[0]);
    } else {
      const [a, b] = files;
      const named = (f) => /\.(sig|sgn|p7s|p7m|p7|pem)$/i.test(f.name);
      let first = await looksLikeSignature(a), second = await looksLikeSignature(b);
      if (first === second) [first, second] = [named(a), named(b)];
      const signature = first && !second ? a : b;
      put(inputs.signature, signature);
      put(inputs.document, signature === a ? b : a);
    }
    show();
  }

  function files(event) {
    return Array.from(event.dataTransfer.files || []);
  }
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (e) => { e.preventDefault(); drop.classList.add("over"); });
  }
  document.addEventListener("dragleave", (e) => { if (!e.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", (e) => {
    e.preventDefault();
    drop.classList.remove("over");
    if (!request && files(e).length) take(files(e));
  });
  for (const input of Object.values(inputs)) input.addEventListener("change", show);
  $("swap").addEventListener("click", () => {
    const doc = inputs.document.files[0], sig = inputs.signature.files[0];
    put(inputs.document, sig);
    put(inputs.signature, doc);
    show();
  });

  // --- sending ---

  function fail(message) {
    $("error").textContent = message;
    $("error").hidden = !message;
  }

  function busy(on) {
    $("progress").hidden = !on;
    $("submit").disabled = on;
    form.setAttribute("aria-busy", String(on));
  }

  function forget() {
    for (const u of urls) URL.revokeObjectURL(u);
    urls = [];
    $("result").hidden = true;
    $("result").replaceChildren();
  }

  form.addEventListener("submit", (e) => {
    e.preventDefault();
    if (request) return;
    forget();
    fail("");
    const sig = inputs.signature.files[0], doc = inputs.document.files[0];
    if (!sig) { fail(t("needsig")); inputs.signature.focus(); return; }
    if (sig.size > most || doc && doc.size > most) { fail(t("toolarge")); return; }
    // The fields and the signature go first: the document is verified while
    // it arrives then, and needs no room.
    const data = new FormData();
    data.append("lang", lang);
    data.append("policy", $("policy").value);
    data.append("format", "protocol");
    data.append("signature", sig, sig.name);
    if (doc) data.append("document", doc, doc.name);
    send(data, doc ? doc.name : "", sig.name);
  });

  function send(data, docName, sigName) {
    const x = request = new XMLHttpRequest(), bar = $("progress-bar"), line = $("progress-text");
    const end = (message) => { request = null; busy(false); if (message) fail(message); };
    line.textContent = t("sending");
    bar.value = 0;
    busy(true);
    x.upload.addEventListener("progress", (e) => { if (e.lengthComputable) bar.value = Math.round(100 * e.loaded / e.total); });
    x.upload.addEventListener("load", () => { line.textContent = t("checking"); bar.removeAttribute("value"); });
    x.addEventListener("error", () => end(t("network")));
    x.addEventListener("abort", () => end(t("cancelled")));
    x.addEventListener("load", () => {
      let answer = null;
      try { answer = JSON.parse(x.responseText); } catch { /* said below */ }
      if (x.status === 200 && answer && answer.report) {
        end("");
        render(answer, docName, sigName);
      } else {
        end(answer && answer.languages && answer.languages[lang] || t("network"));
      }
    });
    x.open("POST", form.getAttribute("action"));
    x.setRequestHeader("Accept", "application/vnd.gosklyuch.protocol+json");
    x.send(data);
  }
  $("cancel").addEventListener("click", () => { if (request) request.abort(); });

  // --- the report ---

  // attributes reads a distinguished name in the form of RFC 4514.
  function attributes(name) {
    const out = {};
    let key = "", value = "", inValue = false, bytes = [];
    const flush = () => { if (bytes.length) { value += new TextDecoder().decode(new Uint8Array(bytes)); bytes = []; } };
    const end = () => {
      flush();
      const k = key.trim();
      if (k && !(k in out)) out[k] = value;
      key = value = "";
      inValue = false;
    };
    for (let i = 0; i < name.length; i++) {
      const c = name[i];
      if (!inValue) {
        if (c === "=") inValue = true; else key += c;
      } else if (c === "\\" && i + 1 < name.length) {
        const hex = name.slice(i + 1, i + 3);
        if (/^[0-9a-fA-F]{2}$/.test(hex)) { bytes.push(parseInt(hex, 16)); i += 2; } else { flush(); value += name[++i]; }
      } else if (c === "," || c === "+") {
        end();
      } else {
        flush();
        value += c;
      }
    }
    end();
    return out;
  }

  function rows(list) {
    const dl = el("dl");
    for (const [name, value, strong] of list) {
      if (value) dl.append(el("dt", {}, name), el("dd", strong ? { class: "strong" } : {}, visible(value)));
    }
    return dl;
  }

  function person(cert) {
    if (!cert) return [[t("who"), t("unknown"), true]];
    const a = attributes(cert.subject), pick = (...names) => names.map((n) => a[n]).find(Boolean) || "";
    const full = [pick("SN"), pick("G", "GN")].filter(Boolean).join(" ");
    return [
      [t("who"), full || pick("CN") || cert.subject, true],
      [t("organisation"), pick("O") || (full && pick("CN") !== full ? pick("CN") : "")],
      [t("position"), pick("T", "title")],
      [t("snils"), pick("SNILS", "СНИЛС")],
      [t("inn"), pick("INN", "ИНН")],
      [t("innle"), pick("INNLE", "ИННЮЛ")],
      [t("ogrn"), pick("OGRN", "ОГРН")],
      [t("ogrnip"), pick("OGRNIP", "ОГРНИП")],
      [t("mail"), pick("E", "EMAIL", "emailAddress")],
    ];
  }

  function certificate(cert) {
    if (!cert) return [];
    const issuer = attributes(cert.issuer);
    return [
      [t("issuer"), issuer.CN || issuer.O || cert.issuer],
      [t("serial"), cert.serial],
      [t("period"), day(cert.notBefore) + " " + t("until") + " " + day(cert.notAfter)],
    ];
  }

  function checks(list, titles) {
    if (!list || !list.length) return null;
    const words = { passed: t("passed"), failed: t("notpassed"), warning: t("warning"), skipped: t("skipped") };
    const body = el("tbody");
    for (const c of list) {
      body.append(el("tr", {},
        el("td", { class: words[c.result] ? "result-" + c.result : "" }, words[c.result] || visible(c.result)),
        el("td", {}, visible(titles[c.id] || c.id), c.detail ? el("small", {}, visible(c.detail)) : null),
        el("td", {}, visible(c.cite))));
    }
    const head = el("thead", {}, el("tr", {}, ...["result", "check", "clause"].map((n) => el("th", { scope: "col" }, t(n)))));
    return el("details", { class: "checks" }, el("summary", {}, t("checks") + " (" + list.length + ")"),
      el("div", { class: "scroll" }, el("table", {}, head, body)));
  }

  // why says why a signature is not valid and what to do about it. A remedy
  // for the command line helps nobody here.
  function why(o) {
    const own = texts["js-remedy-" + o.subIndication];
    const remedy = own || (/gosklyuch|--[a-z]/.test(o.remedy || "") ? "" : o.remedy);
    return rows([[t("reason"), o.explanation, true], [t("remedy"), remedy]]);
  }

  function stamps(list) {
    return (list || []).map((s, i) => [
      t("stamp") + (list.length > 1 ? " " + (i + 1) : ""),
      [moment(s.genTime), s.tsa && attributes(s.tsa.subject).CN, t("stamp-" + known(s.status))].filter(Boolean).join(" · "),
    ]);
  }

  function remarks(list) {
    if (!list || !list.length) return null;
    return el("div", { class: "remarks" }, el("strong", {}, t("warnings")), el("ul", {}, ...list.map((w) => el("li", {}, visible(w)))));
  }

  const verdicts = { valid: "✓", invalid: "✕", revoked: "✕", indeterminate: "?" };
  const known = (status) => (Object.hasOwn(verdicts, status) ? status : "indeterminate");

  function signature(s, title, titles) {
    const v = known(s.status);
    const box = el("article", { class: "one" },
      el("div", { class: "one-head" }, el("h3", {}, title), el("span", { class: "tag " + v }, t(v))));
    if (v !== "valid" && (s.explanation || s.remedy)) box.append(why(s));
    if (v === "valid" && s.explanation) box.append(el("p", { class: "note" }, visible(s.explanation)));
    box.append(rows([
      ...person(s.signer), ...certificate(s.signer),
      [t("claimed"), moment(s.claimedTime)],
      [t("proven"), s.bestTime ? moment(s.bestTime) : t("noproven")],
      ...stamps(s.timeStamps),
      [t("level"), t("level-" + s.level) || s.level],
    ]));
    for (const part of [remarks(s.warnings), checks(s.checks, titles)]) if (part) box.append(part);
    for (const c of s.counterSignatures || []) box.append(signature(c, t("counter"), titles));
    return box;
  }

  function save(name, type, data) {
    const url = URL.createObjectURL(new Blob([data], { type }));
    urls.push(url);
    return url;
  }

  function downloads(answer, sigName) {
    const base = sigName.replace(/[^\p{L}\p{N}._ -]/gu, "_").slice(0, 80) || "protocol";
    const pdf = Uint8Array.from(atob(answer.files.pdf), (c) => c.charCodeAt(0));
    const list = [["PDF", "pdf", "application/pdf", pdf], ["HTML", "html", "text/html", answer.files.html],
      ["JSON", "json", "application/json", answer.files.json]];
    if (answer.files.xml) list.push(["XML (ETSI)", "xml", "application/xml", answer.files.xml]);
    const box = el("p", { class: "downloads" }, el("span", {}, t("download") + ":"));
    for (const [label, ext, type, data] of list) {
      box.append(el("a", { class: "secondary", id: "save-" + ext, href: save(base, type, data), download: base + ".protocol." + ext }, label));
    }
    return box;
  }

  function render(answer, docName, sigName) {
    const r = answer.report, v = known(r.status), box = $("result"), titles = answer.titles || {};
    const list = r.signatures || [];
    const missing = [r, ...list].some((x) => x.subIndication === "SIGNED_DATA_NOT_FOUND");
    const sentence = r.explanation || (list.length === 1 && list[0].explanation) || "";
    const heading = el("h2", { id: "verdict", tabindex: "-1" }, t(v));
    box.replaceChildren(
      el("div", { class: "banner " + v, "data-status": v }, el("span", { class: "mark", "aria-hidden": "true" }, verdicts[v]),
        el("div", {}, heading, sentence ? el("p", {}, visible(sentence)) : null)),
      downloads(answer, sigName),
      rows([
        [t("document"), docName || (missing ? t("missing") : t("inside"))], [t("sigfile"), sigName], [t("at"), moment(r.at)],
        [t("policy"), answer.policyTitle || r.policy],
      ]));
    list.forEach((s, i) => box.append(signature(s, list.length > 1 ? t("signature") + " " + (i + 1) + " " + t("of") + " " + list.length : t("signature"), titles)));
    for (const part of [remarks(r.warnings), checks(r.checks, titles)]) if (part) box.append(part);
    box.append(el("p", { class: "digest" }, t("digest") + ": ", el("code", {}, answer.digest)));
    box.append(el("p", { class: "hint" }, visible(r.notice)));
    const again = el("button", { type: "button", class: "secondary", id: "again" }, t("again"));
    again.addEventListener("click", () => { forget(); form.reset(); show(); inputs.document.focus(); });
    box.append(el("p", { class: "action" }, again));
    box.hidden = false;
    heading.focus();
    box.scrollIntoView({ block: "start" });
  }

  show();
})();
