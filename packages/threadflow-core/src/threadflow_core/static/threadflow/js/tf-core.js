/* Extras with scripts on, bound by data-tf-* through delegation. See README.md beside this file. */
(() => {
  const doc = document, root = doc.documentElement, $ = (s, e = doc) => e.querySelector(s), $$ = (s, e = doc) => [...e.querySelectorAll(s)];
  const on = (names, f, e = doc, capture) => names.split(" ").forEach((n) => e.addEventListener(n, f, capture));
  const words = () => $("#tf-texts").dataset, dialog = () => $("#tf-dialog"), pressed = (b) => b.ariaPressed == "true";
  root.classList.add("tf-js");

  const age = (toast) => {
    let timer;
    const start = () => { timer = setTimeout(() => toast.remove(), toast.matches("[data-tf-action]") ? 10000 : 6000); };
    on("mouseenter focusin", () => clearTimeout(timer), toast);
    on("mouseleave focusout", start, toast);
    start();
  };
  const toast = (text, box = "#tf-alerts") => {
    const one = $("#tf-texts").content.firstElementChild.cloneNode(true), open = $("#tf-dialog[open]");
    $("span", one).textContent = text;
    if (open) one.role = "alert";
    (open || $(box)).append(one);
  };

  const paint = (box, vote, text, score) => {
    const count = $("[data-tf-score]", box);
    $$("button", box).forEach((b, i) => {
      const own = i ? -1 : 1;
      b.ariaPressed = vote == own;
      b.value = vote == own ? 0 : own;
    });
    count.textContent = text;
    count.dataset.tfScore = score;
  };
  const flip = (button) => {
    const box = button.closest("[data-tf-vote]");
    if (!box) return (button.ariaPressed = !pressed(button));
    const [up, down] = $$("button", box), count = $("[data-tf-score]", box), was = +count.dataset.tfScore;
    const from = pressed(up) - pressed(down), score = was + (+button.value) - from;
    box.was ||= [from, count.textContent, was];
    paint(box, +button.value, Math.abs(score) < 1000 ? score : count.textContent, score);
  };
  const restore = (elt) => {
    const box = elt.closest("[data-tf-vote]");
    if (box?.was) box.was = paint(box, ...box.was);
    else if (elt.matches("[data-tf-toggle]")) flip(elt);
  };
  on("htmx:error", ({ detail: { ctx } }) => {
    if (!ctx) return;
    restore(ctx.sourceElement);
    toast(navigator.onLine ? words().failed : words().offline);
  });
  on("htmx:after:request", (e) => {
    const { response, text, sourceElement } = e.detail.ctx, box = sourceElement.closest("[data-tf-vote]");
    if (response.status < 500 && !/^\s*<(!doctype|html)/i.test(text)) return box && (box.was = 0);
    e.preventDefault();
    if (response.raw.redirected && response.status < 400) location = response.raw.url;
    else {
      const token = "[name=csrfmiddlewaretoken]", now = $(token, new DOMParser().parseFromString(text, "text/html"));
      if (now) $$(token).forEach((i) => { i.value = now.value; });
      restore(sourceElement);
      toast(words().failed);
    }
  });

  let had, next, seen;
  on("click", (e) => {
    const at = (s) => e.target.closest?.(s), plain = window.htmx && !(e.ctrlKey || e.metaKey || e.shiftKey);
    let hit;
    if (plain && (hit = at("a[data-tf-dialog]"))) {
      e.preventDefault();
      htmx.ajax("GET", hit.href + (hit.search ? "&" : "?") + "part=dialog", { target: "#tf-dialog", swap: "innerHTML", source: hit });
    } else if ((hit = at("[data-tf-close]")?.closest(".tf-toast,dialog"))) {
      e.preventDefault();
      hit.close ? hit.close() : hit.remove();
    } else if ((hit = at("[data-tf-vote] [hx-post],[data-tf-toggle]")) && plain) flip(hit);
    else if ((hit = at("[data-tf-new]"))) {
      hit.ids?.clear();
      hit.hidden = !!(plain && $("[hx-get]", hit));
    }
    if (at("[data-tf-key=r]")) root.dataset.tfQuote = String(getSelection()).trim() || root.dataset.tfQuote || "";
    if (e.target == dialog()) e.target.close();
  });

  const focus = (elt) => {
    if (!elt) return;
    elt = $(":scope > article", elt) || elt;
    if (elt.tabIndex < 0) elt.tabIndex = -1;
    elt.focus();
  };
  on("htmx:before:swap", () => {
    const item = doc.activeElement.closest("[data-tf-item]"), all = items(), i = all.indexOf(item);
    had = doc.activeElement != doc.body && all;
    next = item ? [item, all[i + 1], all[i - 1]] : [];
  });
  on("htmx:after:swap", ({ detail: { ctx } }) => {
    const box = dialog(), inside = box.contains(ctx.sourceElement), lead = $$("[data-tf-focus]").pop();
    if (box.firstElementChild && !box.open && (ctx.target == box || ctx.target == "#tf-dialog")) {
      box.showModal();
      help(box);
    } else if (inside && ctx.response?.status < 300 && ctx.request.method == "POST") box.close();
    if (lead && lead != seen) focus(seen = lead);
    else if (had && doc.activeElement == doc.body) focus([items().find((i) => !had.includes(i)), ...next].find((i) => i?.isConnected));
    fresh();
  });
  const help = (box) => { // adds the keys of the page beneath
    const list = $$(".tf-keys", box).pop(), known = $$("kbd", box).map((k) => k.textContent);
    if (list) $$("[data-tf-key]").forEach(({ dataset: { tfKey: key }, ariaLabel, textContent }) => {
      if (key.split(" ").every((k) => known.includes(k))) return;
      known.push(key);
      list.insertAdjacentHTML("beforeend", "<dt><kbd></kbd></dt><dd></dd>");
      $("dt:last-of-type kbd", list).textContent = key;
      $("dd:last-of-type", list).textContent = (ariaLabel || textContent).trim();
    });
  };

  const folds = () => { try { return JSON.parse(localStorage["tf-folds"]); } catch { return {}; } };
  const fold = (details) => details.closest("[id]")?.id;
  on("toggle", ({ target }) => {
    if (!target.matches(".tf-fold")) return;
    const { [fold(target)]: _, ...rest } = folds();
    if (!target.open) rest[fold(target)] = 1;
    try { localStorage["tf-folds"] = JSON.stringify(Object.fromEntries(Object.entries(rest).slice(-300))); } catch {}
  }, doc, true);
  const unfold = () => {
    const target = doc.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let e = target; (e = e?.parentElement);) if (e.matches("details")) e.open = true;
    target?.scrollIntoView();
  };
  on("hashchange", unfold, window);

  // The same unit keeps the server's words.
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const tick = () => $$("time[data-tf-when]").forEach((t) => {
    const seconds = (Date.now() - Date.parse(t.dateTime)) / 1000, [unit, size] = units.find((u) => seconds >= u[1]) || [];
    if (!size || seconds > 28 * 86400) return;
    const n = Math.floor(seconds / size), text = t.textContent;
    if (t.unit == unit || (!t.unit && /\d/.test(text))) t.textContent = text.replace(/\d+/, n);
    else t.textContent = t.dataset.tfWhen
      ? new Intl.RelativeTimeFormat(root.lang).format(-n, unit)
      : new Intl.NumberFormat(root.lang, { style: "unit", unit, unitDisplay: "short" }).format(n);
    t.unit = unit;
  });
  setInterval(tick, 30000);

  on("tf:frame", ({ target, detail: f }) => {
    const pill = $("[data-tf-new]", target) || $("[data-tf-new]"), { tfNew, tfMe, one, many } = pill?.dataset || {};
    if (!pill || !tfNew.split(" ").includes(f.op) || (f.author && f.author == tfMe)) return;
    const ids = (pill.ids ||= new Set()).add(f.id ?? f.seq);
    pill.timer ||= setTimeout(() => {
      pill.timer = 0;
      if (!ids.size) return;
      pill.last = Date.now();
      const text = (ids.size > 1 ? many : one).replace("%s", ids.size), said = doc.createElement("span");
      $("[data-tf-new-text]", pill).textContent = said.textContent = text;
      pill.hidden = false;
      said.className = "tf-vh";
      $("#tf-toasts").append(said);
      setTimeout(() => said.remove(), 5000);
    }, Math.max(0, 10000 + (pill.last || 0) - Date.now()));
  }, doc, true);

  // Keys press real controls of the current item.
  let cur, chord = "", timer;
  const shown = (e) => e.getClientRects().length;
  const items = (more = "") => $$("[data-tf-item]" + more).filter(shown);
  const go = (elt) => {
    if (!elt) return;
    cur?.classList.remove("tf-cur");
    (cur = elt).classList.add("tf-cur");
    focus(elt);
    elt.scrollIntoView({ block: "nearest" });
  };
  const step = (by, more) => {
    const list = items(more), side = by > 0 ? 4 : 2, there = (x) => !cur || cur.compareDocumentPosition(x) & side;
    go(by > 0 ? list.find(there) : list.findLast(there));
  };
  const press = (key) => {
    const all = $$(`[data-tf-key="${CSS.escape(key)}"]`), home = (b) => b.closest("[data-tf-item]");
    const control = (cur && all.find((b) => home(b) == cur)) || (cur && all.some(home) ? null : all.find((b) => !home(b)));
    if (control?.matches("input")) focus(control);
    else control?.click();
    return control;
  };
  const keys = {
    j: () => step(1), k: () => step(-1), n: () => step(1, "[data-tf-unread]"), p: () => step(-1, "[data-tf-unread]"),
    o: () => press("o") || (cur && $("[data-tf-open]", cur)?.click()),
    u: () => { const above = cur?.parentElement.closest("[data-tf-item]"); above ? go(above) : press("u"); },
    x: () => { const d = cur && $("details", cur); if (d) d.open = !d.open; },
    q: () => { root.dataset.tfQuote = $(".tf-c-body,.tf-prose", cur || doc)?.innerText.trim() || ""; press("r"); },
    ".": () => $$("[data-tf-new]").filter(shown).forEach((p) => $("a,button", p).click()),
  };
  on("keydown", (e) => {
    const { key, target: t } = e, mod = e.ctrlKey || e.metaKey;
    if (mod && key == "Enter" && t.matches("textarea")) t.form?.requestSubmit();
    if (mod || e.altKey || key.length > 1 || root.dataset.tfKeys == "off" || dialog()?.open) return;
    if (t.matches("input:not([type=checkbox],[type=radio]),textarea,select,[contenteditable]")) return;
    if (!cur?.isConnected) cur = null;
    cur = t.closest("[data-tf-item]") || cur;
    const full = chord + key;
    clearTimeout(timer);
    chord = full == "g" ? "g " : "";
    if (chord) timer = setTimeout(() => { chord = ""; }, 1500);
    else if (Object.hasOwn(keys, full) ? [keys[full]()] : press(full)) e.preventDefault();
  });

  const fresh = () => {
    const closed = folds();
    $$(".tf-fold[open]").forEach((d) => { if (closed[fold(d)]) d.open = false; });
    tick();
  };
  fresh();
  unfold();
  focus(seen = $("[data-tf-focus]"));
  $$("#tf-toasts,#tf-alerts").forEach((box) => new MutationObserver(() => $$(".tf-toast", box).forEach((t, i, all) => {
    if (i < all.length - 3) t.remove();
    else if (!t.aging) age(t, t.aging = 1);
  })).observe(box, { childList: true }));
})();
