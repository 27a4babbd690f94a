/* Who is in the room: the faces beside its name, the dots in its column of members; the reader's bell
   and what is pinned. Without this file they stand as the page found them. */
(() => {
  if (window.tfHere) return;
  window.tfHere = true;
  const doc = document, $ = (s, e = doc) => e.querySelector(s), $$ = (s, e = doc) => [...e.querySelectorAll(s)];
  const most = 3; // as the server draws
  let room, people = new Map(), known = false; // known: everybody was named, not only who came

  const faces = (me) => {
    const box = $("[data-tf-faces]"), rank = ([id, one]) => `${+(id === me)}${+!!one.idle}${id}`;
    const first = [...people].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, most);
    box?.replaceChildren(...first.map(([id, one]) => {
      const place = doc.createElement("span"), face = doc.createElement("span");
      window.tfChat.face(face, one, false, 28);
      place.dataset.tfFace = id;
      place.append(face);
      return place;
    }));
  };
  const dots = () => $$("[data-tf-user]").forEach((e) => {
    const one = people.get(e.dataset.tfUser), mark = $(".tf-pres", e);
    mark?.classList.toggle("tf-pres--off", !one);
    mark?.classList.toggle("tf-pres--away", !!one?.idle);
  });
  const count = (n) => {
    const box = $("[data-tf-here]");
    if (!box) return;
    const { none, one, many } = box.dataset;
    box.ariaLabel = n > 1 ? many.replace("%s", n) : n ? one : none;
    $("[data-tf-here-n]", box).textContent = n;
  };
  const here = (frame, me) => {
    const crowd = !frame.here && !frame.join && !frame.leave; // too many for names
    if (frame.here || crowd) [people, known] = [new Map((frame.here || []).map((one) => [one.id, one])), !crowd];
    (frame.leave || []).forEach((id) => { people.delete(id); $(`[data-tf-face="${CSS.escape(id)}"]`)?.remove(); });
    (frame.join || []).forEach((one) => people.set(one.id, one));
    if (known || crowd) faces(me);
    dots();
    if (frame.n !== undefined) count(frame.n);
  };
  const fetched = async (log, part) => {
    const answer = await fetch(log.dataset.tfPart.replace("part=log", "part=" + part), { headers: { "HX-Request": "true" } });
    return answer.ok ? doc.adoptNode(new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild) : null;
  };
  const members = async (log) => {
    const fresh = $("[data-tf-members]") && await fetched(log, "members");
    if (!fresh) return;
    $("[data-tf-members]")?.closest("aside").replaceWith(fresh);
    dots();
  };
  const bell = (log, level) => setTimeout(async () => { // this very page may be about to get it by itself
    const old = () => log.isConnected && $("#tf-bell");
    if (!old() || old().dataset.tfLevel === level) return;
    const fresh = await fetched(log, "bell");
    if (!fresh || !old()) return;
    old().replaceWith(fresh);
    window.htmx?.process(fresh);
  }, 1000);

  const pinned = async (log) => { // the newest answer counts, whatever comes last
    const turn = ++pinned.turn, fresh = await fetched(log, "pin");
    if (!fresh || turn !== pinned.turn || !log.isConnected) return;
    $("[data-tf-pin]")?.replaceWith(fresh);
  };
  pinned.turn = 0;

  doc.addEventListener("tf:frame", ({ detail: f }) => {
    const log = $("[data-tf-chat]");
    if (!log || f.room !== log.dataset.tfChat) return;
    if (room !== f.room) [room, people, known] = [f.room, new Map(), false];
    if (f.op === "pres") here(f, log.dataset.tfMe);
    else if (f.op === "member") members(log);
    else if (f.op === "pin" || (f.id && f.id === $("[data-tf-pin]")?.dataset.tfPin && /^msg\./.test(f.op))) pinned(log);
    else if (f.op === "person.gone") {
      const n = known && people.has(f.user.id) ? people.size - 1 : undefined;
      here({ leave: [f.user.id], n }, log.dataset.tfMe);
      members(log);
    } else if (f.op === "read" && f.level) bell(log, f.level);
  });
})();
