// Receives live frames (threadflow.v1) and hands them to the page as DOM events.
// Elements with data-tf-topic (and data-tf-seq, data-tf-epoch) get "tf:frame" in order and once,
// "tf:reset" when they must be read anew. document gets "tf:live-state". Elements with data-tf-badge
// show what `me` of the person's own topic says under that name: {n, mentions}.
(() => {
  const url = document.querySelector("[data-tf-live]")?.dataset.tfLive; // on <body>, or where a host's base has it
  if (!url || !window.WebSocket) return;
  const topics = new Map();
  let ws, tries = 0, heard = 0, born = 0, timer, strip, stopped = false, up = false;

  const places = (name) => {
    const found = [...document.querySelectorAll("[data-tf-topic]")].filter((e) => e.dataset.tfTopic === name);
    return found.length ? found : [document.body];
  };
  const tell = (name, type, detail) =>
    places(name).forEach((e) => e.dispatchEvent(new CustomEvent(type, { bubbles: true, detail })));
  const send = (frame) => ws && ws.readyState === 1 && ws.send(JSON.stringify(frame));
  const asked = (name) => {
    const t = topics.get(name);
    return { topic: name, since: t.seq, epoch: t.epoch };
  };
  const sub = (name) => send({ op: "sub", ...asked(name) });

  const state = (now) => {
    up = now === "connected";
    const show = () => {
      strip = clearTimeout(strip);
      document.querySelectorAll("[data-tf-offline]").forEach((e) => { e.hidden = up; });
    };
    if (up) show();
    else strip ||= setTimeout(show, 1500); // a page that is being left loses its socket; failed attempts put off nothing
    document.dispatchEvent(new CustomEvent("tf:live-state", { detail: now }));
  };

  const badge = (name, { n, mentions }) =>
    document.querySelectorAll(`[data-tf-badge="${name}"]`).forEach((e) => {
      const count = e.querySelector(".tf-count"), knot = e.querySelector(".tf-knot");
      if (count) { count.firstChild.textContent = mentions || 0; count.hidden = !mentions; }
      if (knot) knot.hidden = !n || (count && !!mentions);
    });

  const scan = () => {
    const add = (name, seq, epoch) => {
      if (!name || topics.has(name)) return;
      topics.set(name, { seq: seq ? +seq : undefined, epoch: epoch || "", held: new Map() });
      if (up) sub(name);
    };
    document.querySelectorAll("[data-tf-topic]").forEach((e) => add(e.dataset.tfTopic, e.dataset.tfSeq, e.dataset.tfEpoch));
    (document.body.dataset.tfTopics || "").split(" ").forEach((name) => add(name));
    if (!ws && topics.size) connect();
  };

  const mark = (name, t, seq, epoch) => {
    t.seq = seq;
    t.epoch = epoch === undefined ? t.epoch : epoch;
    places(name).forEach((e) => {
      if (e.dataset.tfTopic) { e.dataset.tfSeq = t.seq; e.dataset.tfEpoch = t.epoch; }
    });
  };

  const apply = (name, t, frame) => {
    if (frame.seq == null) return tell(name, "tf:frame", frame);
    if (frame.seq <= t.seq) return;
    if (frame.seq > t.seq + 1) {
      t.held.set(frame.seq, frame);
      t.wait = t.wait || setTimeout(() => { t.wait = 0; if (t.held.size) sub(name); }, 300);
      return;
    }
    mark(name, t, frame.seq, frame.epoch);
    if (frame.op !== "nop") tell(name, "tf:frame", frame);
    else if (frame.stale) tell(name, "tf:reset", frame);
    const next = t.held.get(t.seq + 1);
    t.held.forEach((_, seq) => { if (seq <= t.seq + 1) t.held.delete(seq); });
    if (next) apply(name, t, next);
  };

  const receive = (frame) => {
    const name = frame.topic;
    if (frame.op === "subd" && !topics.has(name)) topics.set(name, { epoch: "", held: new Map() });
    const t = topics.get(name);
    if (frame.op === "welcome") { state("connected"); scan(); }
    else if (!t) return;
    else if (frame.op === "subd") {
      if (name.startsWith("user:")) Object.entries(frame.me || {}).forEach(([what, sum]) => badge(what, sum));
      if (frame.mode === "reset" || t.seq === undefined) {
        t.held.clear();
        mark(name, t, frame.seq == null ? undefined : frame.seq, frame.epoch);
        if (frame.mode === "reset") tell(name, "tf:reset", frame);
      } else {
        t.epoch = frame.epoch;
        frame.ev.forEach((one) => apply(name, t, one));
      }
    } else if (frame.op === "gap") sub(name);
    else {
      if (frame.op === "err" || frame.op === "kicked") topics.delete(name);
      apply(name, t, frame);
    }
  };

  const connect = () => {
    clearTimeout(timer);
    if (stopped || (ws && ws.readyState < 2)) return;
    const at = new URL(url, location.href);
    at.protocol = at.protocol.replace("http", "ws");
    const mine = ws = new WebSocket(at, "threadflow.v1.json");
    born = heard = Date.now();
    ws.onopen = () => send({ op: "hello", v: 1, client: "web", topics: [...topics.keys()].map(asked) });
    ws.onmessage = (e) => {
      heard = Date.now();
      try { receive(JSON.parse(e.data)); } catch (error) { console.error(error); }
    };
    ws.onclose = (e) => {
      if (mine !== ws) return;
      stopped = (e.code >= 4500 && e.code < 4600) || e.code === 1009;
      if (up && Date.now() - born > 3e4) tries = 0;
      state(stopped ? "stopped" : "reconnecting");
      const most = Math.min(3e4, 500 * 2 ** tries++);
      if (!stopped) timer = setTimeout(connect, (e.code === 4429 ? 5e3 : 0) + 100 + Math.random() * most);
    };
  };

  const now = () => { if (!up && ws && !stopped && !document.hidden) { tries = 0; connect(); } };
  setInterval(() => {
    if (!up) return;
    const silent = Date.now() - heard;
    if (silent > 35e3) { const old = ws; ws = null; old.close(); state("reconnecting"); connect(); }
    else if (silent > 25e3) send({ op: "ping", t: heard });
  }, 5e3);
  addEventListener("online", now);
  addEventListener("pageshow", (e) => e.persisted && now());
  document.addEventListener("visibilitychange", now);
  ["htmx:after:swap", "htmx:afterSwap", "tf:live-scan"].forEach((type) => document.addEventListener(type, scan));
  document.addEventListener("tf:live-send", (e) => send(e.detail));
  scan();
})();
