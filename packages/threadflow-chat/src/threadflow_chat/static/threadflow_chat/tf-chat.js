/* A room with scripts: what arrives is put in its place, what is said stands there at once and is
   sent until the server has it. Without this file the same page works by links and forms. */
(() => {
  if (window.tfChat) return window.tfChat();
  const doc = document, $ = (s, e = doc) => e.querySelector(s), $$ = (s, e = doc) => [...e.querySelectorAll(s)];
  const none = "00000000-0000-0000-0000-000000000000";
  const live = (frame) => doc.dispatchEvent(new CustomEvent("tf:live-send", { detail: frame }));
  const number = (e) => +e.dataset.mno || Infinity;
  const store = (f) => { try { return f(sessionStorage); } catch { return null; } }; // may be refused
  let log, words, unseen = 0, said = 0, heard = [], typed = 0, reading, waiting = false, retry, pause = 1e3;

  // Where the reader looks
  const low = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const down = () => { log.scrollTop = log.scrollHeight; };
  const pill = () => {
    const box = $("[data-tf-chat-new]"), text = $("[data-one]", box);
    text.textContent = unseen === 1 ? text.dataset.one : text.dataset.many.replace("%s", unseen);
    box.hidden = !unseen;
  };
  const read = () => {
    if (!("tfInside" in log.dataset) || doc.hidden || !low()) return;
    unseen = 0;
    pill();
    const last = $$("article[data-mno]", log).pop();
    if (!last || number(last) === log.read || number(last) === Infinity) return;
    clearTimeout(reading);
    reading = setTimeout(() => {
      log.read = number(last);
      live({ op: "read", topic: log.dataset.tfTopic, room: log.dataset.tfChat, mno: log.read });
    }, 1000);
  };
  const announce = (text) => { // a screen reader hears at most one line in five seconds
    heard.push(text);
    if (said) return;
    const speak = () => {
      said = 0;
      if (!heard.length) return;
      const one = doc.createElement("span");
      one.className = "tf-vh";
      one.textContent = heard.length > 2 ? $("[data-many]").dataset.many.replace("%s", heard.length) : heard.join(". ");
      heard = [];
      $("#tf-toasts").append(one);
      setTimeout(() => one.remove(), 4500);
      said = setTimeout(speak, 5000);
    };
    speak();
  };

  // Drawing
  const svg = (ref) => {
    const box = doc.createElementNS("http://www.w3.org/2000/svg", "svg"), use = doc.createElementNS(box.namespaceURI, "use");
    use.setAttribute("href", ref);
    box.append(use);
    return box;
  };
  const face = (place, author, bot, size = 40) => {
    place.className = `tf-av tf-av--${size} ` + (bot ? "tf-av--bot" : `tf-hue-${author.hue || 8}`);
    if (bot) return place.replaceChildren(svg(words.bot));
    if (!author.avatar) {
      const sum = [...author.name].reduce((n, c, i) => n + c.codePointAt(0) * (i + 7), 0);
      return place.replaceChildren(svg(words.swatch + ((sum % 8) + 1)));
    }
    const img = new Image(size, size);
    img.src = author.avatar;
    img.alt = "";
    place.replaceChildren(img);
  };
  const react = (line, emoji, count, mine) => {
    const box = $("[data-tf-reacts]", line);
    if (!box) return;
    let button = $$("button", box).find((b) => b.dataset.emoji === emoji);
    if (!count) return button?.remove();
    if (!button) {
      button = doc.createElement("button");
      const url = words.react.replace(none, line.id.slice(2));
      button.className = "tf-react";
      button.dataset.emoji = emoji;
      button.name = "react";
      button.setAttribute("form", "tf-act");
      button.setAttribute("formaction", url);
      button.setAttribute("hx-post", url);
      button.setAttribute("hx-target", "closest .tf-reacts");
      button.setAttribute("hx-swap", "outerHTML");
      button.append(doc.createElement("span"), doc.createElement("span"));
      button.firstChild.textContent = emoji;
      button.ariaPressed = "false";
      box.append(button);
      window.htmx?.process(button);
    }
    if (mine !== undefined) button.ariaPressed = String(mine);
    button.value = (button.ariaPressed === "true" ? "-" : "+") + emoji;
    button.lastChild.textContent = count;
  };
  const extras = (line, frame) => {
    const box = $("[data-tf-extras]", line);
    box.replaceChildren();
    (frame.att || []).forEach((file) => {
      const a = doc.createElement("a");
      a.href = file.url;
      if (file.width) {
        const img = new Image(file.width, file.height);
        img.src = file.url;
        img.alt = file.name;
        img.addEventListener("load", () => low() && down(), { once: true });
        a.append(img);
      } else {
        a.className = "tf-dom";
        a.textContent = file.name;
      }
      box.append(a);
    });
    (frame.previews || []).forEach((page) => {
      const a = doc.createElement("a");
      a.className = "tf-chat-link";
      a.href = page.url;
      a.rel = "ugc nofollow noopener";
      [["b", page.title || page.url], ["span", page.description], ["small", page.site]].forEach(([tag, text]) => {
        if (!text) return;
        const e = doc.createElement(tag);
        e.textContent = text;
        a.append(e);
      });
      box.append(a);
    });
  };
  const draw = (frame) => {
    const line = $("#tf-m").content.firstElementChild.cloneNode(true);
    const [rx, reply, menu] = $$(".tf-m-tools a", line), id = frame.id;
    line.id = "m-" + id;
    line.dataset.ver = frame.ver;
    if (frame.mno) line.dataset.mno = frame.mno;
    if (frame.gone) {
      const text = doc.createElement("p");
      text.className = "tf-help";
      text.textContent = frame.gone === "removed" ? words.removed : words.deleted;
      line.classList.add("tf-m--h", "tf-m--gone");
      line.replaceChildren(text);
      return line;
    }
    Object.assign(line.dataset, { by: frame.author.id || "", at: frame.at, nonce: frame.nonce || "" });
    const above = $(".tf-m-re", line);
    if (frame.reply_to) {
      line.classList.add("tf-m--re");
      above.dataset.to = frame.reply_to.id;
      above.dataset.toBy = frame.reply_to.author?.id || "";
      $("b", above).textContent = frame.reply_to.gone ? "" : frame.reply_to.author.name;
      $("span", above).textContent = frame.reply_to.gone ? words.lost : frame.reply_to.excerpt;
    } else above.remove();
    if (frame.kind === "system") line.classList.add("tf-m--sys");
    face($(".tf-av", line), frame.author, frame.bot);
    $(".tf-m-in", line).innerHTML = frame.html; // made and cleaned by the server, as on the page
    extras(line, frame);
    (frame.reactions || []).forEach((r) => react(line, r.emoji, r.count, r.mine));
    const stop = $(".tf-stop", line);
    if (frame.streaming) {
      line.ariaBusy = "true";
      $("button", stop).setAttribute("formaction", words.stop.replace(none, id));
    } else stop.remove();
    rx.href = words.react.replace(none, id);
    menu.href = words.menu.replace(none, id);
    reply.href = `?reply=${id}#tf-say`;
    return line;
  };
  const day = (line) => (line.dataset.at ? new Date(line.dataset.at).toLocaleDateString("sv") : ""); // as 2026-11-22, here
  const begins = (line) => {
    let before = line.previousElementSibling;
    while (before && !before.matches("article")) before = before.matches(".tf-rule") ? null : before.previousElementSibling;
    const alone = !before || !before.dataset.by || before.dataset.by !== line.dataset.by || line.matches(".tf-m--re") ||
      Date.parse(line.dataset.at) - Date.parse(before.dataset.at) > 3e5;
    line.classList.toggle("tf-m--h", alone || line.matches(".tf-m--gone"));
    if (before && line.dataset.at && day(before) && day(before) !== day(line)) {
      const rule = doc.createElement("p");
      const at = new Date(line.dataset.at), word = (form) => at.toLocaleDateString(doc.documentElement.lang, form);
      rule.className = "tf-rule";
      rule.dataset.tfDay = day(line);
      rule.textContent = `${word({ weekday: "long" })} ${at.getDate()} ${word({ month: "long" })}`; // as the server writes it
      line.before(rule);
      line.classList.add("tf-m--h");
    }
  };
  const place = (line) => {
    const after = $$("article", log).reverse().find((e) => number(e) < number(line));
    const more = $("[data-tf-older-link]", log);
    const rule = after?.nextElementSibling; // of the day that the line is of, if it stands already
    if (after) (rule?.dataset.tfDay === day(line) ? rule : after).after(line);
    else more ? more.after(line) : log.prepend(line);
    begins(line);
    const next = line.nextElementSibling;
    if (next?.matches("article")) begins(next);
    window.htmx?.process(line);
  };
  const drop = (line) => { // with the rule of a day that nothing else is of
    const rule = line?.previousElementSibling;
    line?.remove();
    if (rule?.dataset.tfDay && !rule.nextElementSibling?.matches("article")) rule.remove();
  };
  const lose = (quote) => { // what is quoted above an answer is gone
    $("b", quote)?.remove();
    $("span", quote).textContent = words.lost;
  };
  const put = (frame) => {
    if (frame.gone) $$(`.tf-m-re[data-to="${CSS.escape(frame.id)}"]`, log).forEach(lose);
    const was = doc.getElementById("m-" + frame.id) ||
      (frame.nonce && $$("article[data-nonce]", log).find((e) => e.dataset.nonce === frame.nonce && !+e.dataset.mno));
    if (was && +was.dataset.ver > frame.ver) return;
    const near = low(), line = draw(frame), fresh = !was;
    if (was) {
      const marks = $("[data-tf-reacts]", was), mine = $("[data-tf-reacts]", line);
      if (marks && mine && !frame.reactions) mine.replaceWith(marks);
      was.replaceWith(line);
      if (+was.dataset.mno) {
        line.classList.toggle("tf-m--h", was.matches(".tf-m--h") || line.matches(".tf-m--gone"));
        window.htmx?.process(line);
      } else { drop(line); place(line); }
    } else {
      if ("tfOlder" in log.dataset) return; // the newest page is elsewhere
      $("#tf-chat-none")?.remove();
      place(line);
    }
    if (near) down();
    if (!fresh || frame.gone) return read();
    const own = frame.author.id === log.dataset.tfMe;
    if (own) down();
    else {
      if (!near || doc.hidden) { unseen++; pill(); }
      announce(`${words.said.replace("%s", frame.author.name)} ${$(".tf-prose", line)?.textContent.trim().slice(0, 160)}`);
    }
    read();
  };

  const farewell = ({ id }) => { // somebody was erased: what stands here of them goes
    if ("tfDirect" in log.dataset) return location.reload(); // it bears their name
    const by = CSS.escape(id);
    $$(`article[data-by="${by}"]`, log).forEach((was) => {
      put({ op: "msg.del", id: was.id.slice(2), mno: was.dataset.mno, ver: +was.dataset.ver + 1, gone: "deleted" });
    });
    $$(`.tf-m-re[data-to-by="${by}"]`, log).forEach(lose);
  };

  // Signs of life
  let typing;
  const shownTyping = (frame) => {
    const box = $("[data-tf-typing]"), names = (frame.users || []).filter((u) => u.id !== log.dataset.tfMe).map((u) => u.name);
    const rest = (frame.n || names.length) - names.length;
    const text = names.length ? (names.length > 1 || rest > 0 ? box.dataset.two : box.dataset.one) : "";
    const list = names.slice(0, 3).join(names.length === 2 ? box.dataset.and : ", ");
    box.lastElementChild.textContent = text.replace("%s", list);
    box.firstElementChild.hidden = !names.length;
    clearTimeout(typing);
    if (names.length) typing = setTimeout(() => shownTyping({}), 6500);
  };

  const frame = ({ detail: f }) => {
    if (!log || (f.room && f.room !== log.dataset.tfChat)) return elsewhere(f);
    if (/^msg\.(new|edit|del|restore|enrich)$/.test(f.op)) put(f);
    else if (f.op === "person.gone") farewell(f.user);
    else if (f.op === "react") {
      const line = doc.getElementById("m-" + f.id);
      if (line) react(line, f.emoji, f.count, f.user.id === log.dataset.tfMe ? f.on : undefined);
    } else if (f.op === "bot.part") {
      const text = $(`#m-${CSS.escape(f.id)} .tf-prose`), near = low();
      if (text) text.textContent = f.text;
      if (near) down();
    } else if (f.op === "typing") shownTyping(f);
    else if (f.op === "room.update" || f.op === "kicked" || (f.op === "err" && f.code !== "rate")) location.reload();
    else elsewhere(f);
  };
  const elsewhere = (f) => { // the person's own topic: badges of the list and of the bar
    if (f.op !== "unread" && f.op !== "read") return;
    const row = $(`[data-tf-room="${CSS.escape(f.room || "")}"]`);
    if (row && f.n !== undefined) {
      const level = row.dataset.tfLevel = f.level || row.dataset.tfLevel, named = $("[data-tf-mentions]", row);
      const unread = level === "all" ? f.n : 0, mentions = level === "none" ? 0 : f.mentions || 0;
      row.classList.toggle("tf-room--un", unread + mentions > 0);
      named.firstChild.textContent = mentions;
      named.hidden = !mentions;
      $("[data-tf-unread-mark]", row).hidden = !unread || !!mentions;
    }
  };
  const again = async () => { // the position was lost: the newest page anew
    const answer = await fetch(log.dataset.tfPart, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return location.reload();
    const mine = $$("article:not([data-mno])", log), near = low();
    log.innerHTML = await answer.text(); // our own server's page
    delete log.dataset.tfOlder;
    mine.forEach((line) => log.append(line));
    window.htmx?.process(log);
    if (near) down();
  };

  // Saying
  const key = () => "tf-said:" + log.dataset.tfChat;
  const kept = () => store((s) => JSON.parse(s[key()] || "[]")) || [];
  const keep = (list) => store((s) => { s[key()] = JSON.stringify(list); });
  const forget = (nonce) => keep(kept().filter((one) => one.nonce !== nonce));
  const line = (one) => $$("article[data-nonce]", log).find((e) => e.dataset.nonce === one.nonce);
  const echo = (one) => {
    const { tfMe: id, tfName: name, tfHue: hue, tfAvatar: avatar } = log.dataset;
    const made = draw({ id: one.nonce, ver: 0, author: { id, name, hue, avatar }, at: new Date().toISOString(), nonce: one.nonce, html: "" });
    const by = doc.createElement("p");
    by.className = "tf-m-by";
    by.append(doc.createElement("b"));
    by.firstChild.textContent = name;
    const text = doc.createElement("div");
    text.className = "tf-prose";
    text.dir = "auto";
    text.textContent = one.text || one.names || "";
    $(".tf-m-in", made).append(by, text);
    $(".tf-m-tools", made).remove();
    made.classList.add("tf-m--sent");
    $("#tf-chat-none")?.remove();
    log.append(made);
    begins(made);
    down();
    return made;
  };
  const refused = (made, text, waits) => {
    const box = $(".tf-m-no", made);
    $("span", box).textContent = text;
    $$("button", box).forEach((b) => { b.hidden = waits; });
    box.hidden = false;
    if (low()) down();
  };
  const files = new Map();
  const post = async (one) => {
    const form = $("[data-tf-say]"), data = new FormData(), made = line(one) || echo(one);
    data.set("csrfmiddlewaretoken", $("[name=csrfmiddlewaretoken]", form).value);
    ["text", "nonce", "reply_to", "confirmed"].forEach((name) => one[name] && data.set(name, one[name]));
    (files.get(one.nonce) || []).forEach((file) => data.append("files", file));
    let answer;
    try { answer = await fetch(form.action, { method: "POST", body: data, headers: { "HX-Request": "true" } }); } catch { answer = null; }
    if (!answer || answer.status >= 500) {
      waiting = true;
      clearTimeout(retry);
      retry = setTimeout(resend, (pause = Math.min(3e4, pause * 2)));
      return refused(made, words.waiting, true);
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html"), article = $("article[data-mno]", page);
    pause = 1e3;
    if (answer.status < 300 && article) {
      forget(one.nonce);
      files.delete(one.nonce);
      log.dataset.tfInside = "";
      $(".tf-chat-hint")?.remove();
      const there = doc.getElementById(article.id);
      line(one) !== there && drop(line(one));
      if (!there) {
        place(doc.adoptNode(article));
        down();
      }
      return read();
    }
    const no = $(".tf-m-no", page), wait = +no?.dataset.wait;
    if (wait && wait <= 60) {
      refused(made, no.textContent, true);
      return setTimeout(() => post(one), wait * 1000 + 200);
    }
    if (no?.dataset.code === "confirm_mention") one.confirmed = "on";
    keep([...kept().filter((o) => o.nonce !== one.nonce), one]);
    refused(made, no?.textContent || words.failed, false);
  };
  const resend = () => {
    waiting = false;
    clearTimeout(retry);
    kept().reduce((before, one) => before.then(() => post(one)), Promise.resolve());
  };
  const say = (form) => {
    const area = form.elements.text, input = form.elements.files, chosen = [...input.files];
    if (!area.value.trim() && !chosen.length) return area.focus();
    const one = { nonce: crypto.randomUUID(), text: area.value, reply_to: form.elements.reply_to.value, names: chosen.map((f) => f.name).join(", ") };
    if (chosen.length) files.set(one.nonce, chosen);
    else keep([...kept(), one]); // files don't outlive the page
    area.value = input.value = "";
    input.dispatchEvent(new Event("change", { bubbles: true }));
    answering(null);
    if ("tfOlder" in log.dataset) location = log.dataset.tfPart.split("?")[0];
    echo(one);
    post(one);
  };
  const answering = (article) => {
    const box = $("[data-tf-replying]"), form = $("[data-tf-say]");
    if (!form) return;
    form.elements.reply_to.value = article ? article.id.slice(2) : "";
    box.hidden = !article;
    if (!article) return;
    let named = article;
    while (named && !named.matches(".tf-m--h")) named = named.previousElementSibling;
    const who = doc.createElement("b");
    who.textContent = $(".tf-m-by b", named || article)?.textContent || "";
    $("span", box).replaceChildren(who, " " + ($(".tf-prose", article)?.textContent.trim().slice(0, 100) || ""));
    form.elements.text.focus();
  };

  doc.addEventListener("submit", (e) => {
    if (!e.target.matches("[data-tf-say]")) return;
    e.preventDefault();
    say(e.target);
  });
  doc.addEventListener("keydown", (e) => {
    const area = e.target.closest?.("[data-tf-say] textarea");
    if (!area || e.isComposing) return;
    if (e.key === "Enter" && !e.shiftKey && matchMedia("(pointer: fine)").matches) {
      e.preventDefault();
      area.form.requestSubmit();
    } else if (e.key === "Escape") answering(null);
    else if (e.key.length === 1 && Date.now() - typed > 3000) {
      typed = Date.now();
      live({ op: "typing", topic: log.dataset.tfTopic, room: log.dataset.tfChat, on: true });
    }
  });
  doc.addEventListener("change", (e) => {
    if (!e.target.matches("[data-tf-say] [type=file]")) return;
    const box = $("[data-tf-files]");
    box.textContent = [...e.target.files].map((f) => f.name).join(", ");
    box.hidden = !e.target.files.length;
  });
  doc.addEventListener("click", (e) => {
    const at = (s) => e.target.closest?.(s), made = at("article");
    if (e.ctrlKey || e.metaKey || e.shiftKey || !log) return;
    if (at("[data-tf-reply]") && $("[data-tf-say]")) { e.preventDefault(); answering(made); }
    else if (at("[data-tf-replying] a")) { e.preventDefault(); answering(null); }
    else if (at("[data-tf-chat-new] button")) { down(); read(); }
    else if (at("[data-tf-again]")) {
      const one = kept().find((o) => o.nonce === made.dataset.nonce) || { nonce: made.dataset.nonce, text: $(".tf-prose", made).textContent };
      $(".tf-m-no", made).hidden = true;
      post(one);
    } else if (at("[data-tf-drop]")) {
      forget(made.dataset.nonce);
      files.delete(made.dataset.nonce);
      drop(made);
    } else if (at("[data-tf-older-link] a")) { e.preventDefault(); older(at("a")); }
  });
  const older = async (link) => { // the message that one looks at stays where it is
    const url = new URL(link.href);
    url.searchParams.set("part", "log");
    link.ariaDisabled = "true";
    const answer = await fetch(url, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return (location = link.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    $("[data-tf-newer-link]", page)?.remove();
    const first = $("article", log), from = first.getBoundingClientRect().top, box = link.closest("[data-tf-older-link]");
    box.replaceWith(...[...page.body.childNodes].map((e) => doc.adoptNode(e)));
    log.scrollTop += first.getBoundingClientRect().top - from;
    window.htmx?.process(log);
  };
  doc.addEventListener("tf:frame", frame);
  doc.addEventListener("tf:reset", (e) => { if (e.target === log) again(); });
  doc.addEventListener("tf:live-state", (e) => { if (e.detail === "connected" && log && (waiting || kept().length)) resend(); });
  doc.addEventListener("visibilitychange", () => log && read());
  doc.addEventListener("htmx:after:request", ({ detail: { ctx } }) => { // an act of the menu: it is done
    if (ctx.response?.status < 300 && ctx.sourceElement.matches("dialog .tf-menu [hx-post]")) $("#tf-dialog").close();
  });
  addEventListener("online", () => log && waiting && resend());
  doc.addEventListener("htmx:after:swap", () => {
    start();
    if (log) $$("article", log).forEach(begins);
  });

  const start = window.tfChat = () => {
    const all = $$("[data-tf-chat]"), found = all.find((e) => e !== log) || all[0];
    if (!found || found === log) return;
    if (log?.isConnected) log.closest(".tf-chat-panel")?.remove(); // one room at a time
    log = found;
    words = $("#tf-m").dataset;
    unseen = 0;
    log.addEventListener("scroll", read, { passive: true });
    const mark = location.hash.length > 1 && doc.getElementById(location.hash.slice(1));
    if (mark && log.contains(mark)) mark.scrollIntoView({ block: "center" });
    else if (!("tfOlder" in log.dataset)) {
      const fresh = $("#unread", log);
      fresh ? fresh.scrollIntoView({ block: "center" }) : down();
    }
    kept().forEach((one) => line(one) || echo(one));
    doc.dispatchEvent(new Event("tf:live-scan"));
    read();
  };
  start.face = face; // for whoever draws people beside the log
  start();
})();
